/** A list of the bot's, looked up again while it is shown. */

import { useEffect, useState } from "react";

const EVERY_MS = 2_000;

/** Loads every two seconds while `open`; empty when that fails. `load` must stay the same function. */
export function useNewest<Item>(open: boolean, load: () => Promise<Item[]>): Item[] {
  const [items, setItems] = useState<Item[]>([]);
  useEffect(() => {
    if (!open) return;
    const look = () => load().then(setItems, () => setItems([]));
    void look();
    const timer = setInterval(look, EVERY_MS);
    return () => clearInterval(timer);
  }, [open, load]);
  return items;
}

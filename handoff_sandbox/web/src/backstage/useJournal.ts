/** The entries that this window has read, newest last. */

import { useEffect, useRef, useState } from "react";
import type { JournalEntry, JournalHead } from "../api";
import { journal } from "../ask";
import { useValue } from "../store";

/** Limit of entries kept in the page; older ones stay on the server. */
export const KEPT = 1_000;

const RETRY_MS = 2_000;

export interface Reading {
  entries: JournalEntry[];
  total: number;
}

const NOTHING_READ: JournalEntry[] = [];

/** Reads new entries while it is `wanted`. */
export function useJournal(wanted: boolean): Reading {
  const total = useValue<JournalHead>("journal")?.total ?? 0;
  const [entries, setEntries] = useState(NOTHING_READ);
  const [failures, setFailures] = useState(0);
  const reading = useRef(false);
  const last = entries.at(-1)?.number ?? 0;

  useEffect(() => {
    if (total < last) setEntries(NOTHING_READ);
    if (!wanted || total <= last || reading.current) return;
    reading.current = true;
    journal(Math.max(last, total - KEPT))
      .finally(() => {
        reading.current = false;
      })
      .then((more) => setEntries((before) => [...before, ...more].slice(-KEPT)))
      .catch(() => setTimeout(() => setFailures((count) => count + 1), RETRY_MS));
  }, [wanted, total, last, failures]);
  return { entries, total };
}

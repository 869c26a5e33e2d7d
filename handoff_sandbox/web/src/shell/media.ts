/** Media queries as React sees them. */

import { useCallback, useSyncExternalStore } from "react";

/** Does the media query hold? Follows it. */
export function useMedia(query: string): boolean {
  const subscribe = useCallback(
    (changed: () => void) => {
      const list = window.matchMedia(query);
      list.addEventListener("change", changed);
      return () => list.removeEventListener("change", changed);
    },
    [query],
  );
  return useSyncExternalStore(subscribe, () => window.matchMedia(query).matches);
}

/** Is there room for one side only? */
export function useNarrow(): boolean {
  return useMedia("(max-width: 700px)");
}

/** Media queries as React sees them. */

import { useCallback, useSyncExternalStore } from "react";

/** Whether the media query matches; updated on changes. */
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

/** Whether there is room for only one side. */
export function useNarrow(): boolean {
  return useMedia("(max-width: 700px)");
}

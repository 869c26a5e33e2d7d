/** The page's copy of the world: keys with values, kept in step by server-sent events. */

import { useSyncExternalStore } from "react";

const values = new Map<string, unknown>();
const listeners = new Set<() => void>();
let connected = false;

function changed(): void {
  for (const listener of listeners) listener();
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** Begin to listen. The browser comes back by itself; each connection begins with everything. */
export function connect(): void {
  const events = new EventSource("/sandbox/api/events");
  events.addEventListener("values", (event) => {
    const news = JSON.parse(event.data as string) as Record<string, unknown>;
    for (const [key, value] of Object.entries(news)) {
      if (value === null) values.delete(key);
      else values.set(key, value);
    }
    connected = true;
    changed();
  });
  events.addEventListener("error", () => {
    connected = false;
    changed();
  });
}

/** The value of a key, undefined while there is none. The same object until it changes. */
export function useValue<Value>(key: string): Value | undefined {
  return useSyncExternalStore(subscribe, () => values.get(key) as Value | undefined);
}

/** Is the server there? */
export function useConnected(): boolean {
  return useSyncExternalStore(subscribe, () => connected);
}

/** The page's copy of the world: keys with values, kept in step by server-sent events. */

import { useSyncExternalStore } from "react";

const values = new Map<string, unknown>();
const listeners = new Set<() => void>();
let connected = false;

const RETRY_MS = 2_000;

function changed(): void {
  for (const listener of listeners) listener();
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

function take(news: Record<string, unknown>): void {
  for (const [key, value] of Object.entries(news)) {
    if (value === null) values.delete(key);
    else values.set(key, value);
  }
}

/** Begin to listen. The browser comes back by itself; each connection begins with everything. */
export function connect(): void {
  const events = new EventSource("/sandbox/api/events");
  let isFirst = true;
  events.addEventListener("open", () => {
    isFirst = true;
  });
  events.addEventListener("values", (event) => {
    // A sandbox that was started anew knows nothing of the world before: neither may the page.
    if (isFirst) values.clear();
    isFirst = false;
    take(JSON.parse(event.data as string) as Record<string, unknown>);
    connected = true;
    changed();
  });
  events.addEventListener("error", () => {
    connected = false;
    changed();
    // After an answer that is no stream the browser gives up for good.
    if (events.readyState === EventSource.CLOSED) setTimeout(connect, RETRY_MS);
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

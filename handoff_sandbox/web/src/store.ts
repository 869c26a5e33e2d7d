/** The page's copy of the sandbox's state: keys with values, updated by server-sent events. */

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

/** Connects. The browser reconnects by itself; each connection starts with the full state. */
export function connect(): void {
  const events = new EventSource("/sandbox/api/events");
  let isFirst = true;
  events.addEventListener("open", () => {
    isFirst = true;
  });
  events.addEventListener("values", (event) => {
    // A restarted sandbox has lost its earlier state, so the page drops it as well.
    if (isFirst) values.clear();
    isFirst = false;
    take(JSON.parse(event.data as string) as Record<string, unknown>);
    connected = true;
    changed();
  });
  events.addEventListener("error", () => {
    connected = false;
    changed();
    // After a response that is not a stream, the browser does not reconnect.
    if (events.readyState === EventSource.CLOSED) setTimeout(connect, RETRY_MS);
  });
}

/** The value of a key, undefined while there is none. The same object until it changes. */
export function useValue<Value>(key: string): Value | undefined {
  return useSyncExternalStore(subscribe, () => values.get(key) as Value | undefined);
}

/** Whether the server is connected. */
export function useConnected(): boolean {
  return useSyncExternalStore(subscribe, () => connected);
}

/** State that a window keeps across a reload, and state that all windows of a browser share. */

import { useCallback, useState } from "react";

type Shelf = "window" | "browser";

/** Storage may be disabled, and then even reading it throws. */
function shelfOf(shelf: Shelf): Storage | null {
  try {
    return shelf === "window" ? window.sessionStorage : window.localStorage;
  } catch {
    return null;
  }
}

function recall(shelf: Shelf, key: string): unknown {
  try {
    return JSON.parse(shelfOf(shelf)?.getItem(`handoff.${key}`) ?? "null");
  } catch {
    return null;
  }
}

function remember(shelf: Shelf, key: string, value: unknown): void {
  try {
    shelfOf(shelf)?.setItem(`handoff.${key}`, JSON.stringify(value));
  } catch {
    // Full or forbidden: the state is lost with the page, which does not matter.
  }
}

/** A new value, or a function of the previous one. */
export type Change<Value> = (next: Value | ((before: Value) => Value)) => void;

/**
 * State that survives a reload.
 *
 * @param fits does what was found have the shape that is wanted? It may be from another version.
 * @param shelf "window": two windows differ. "browser": they share it from the next load on.
 */
export function useRemembered<Value extends string | boolean | object>(
  key: string,
  initial: Value,
  fits: (found: unknown) => found is Value,
  shelf: Shelf = "window",
): [Value, Change<Value>] {
  const [value, setValue] = useState(() => {
    const found = recall(shelf, key);
    return fits(found) ? found : initial;
  });
  const change = useCallback<Change<Value>>(
    (next) =>
      setValue((before) => {
        const after = typeof next === "function" ? next(before) : next;
        remember(shelf, key, after);
        return after;
      }),
    [shelf, key],
  );
  return [value, change];
}

/** Whether it is one of these words. For `useRemembered`. */
export function oneOf<Word extends string>(...words: Word[]): (found: unknown) => found is Word {
  return (found): found is Word => words.includes(found as Word);
}

/** For `useRemembered`. */
export function isText(found: unknown): found is string {
  return typeof found === "string";
}

/** For `useRemembered`. */
export function isSwitch(found: unknown): found is boolean {
  return typeof found === "boolean";
}

/** For `useRemembered`: an object whose values all fit. */
export function recordOf<Value>(
  fits: (found: unknown) => found is Value,
): (found: unknown) => found is Record<string, Value> {
  return (found): found is Record<string, Value> =>
    typeof found === "object" && found !== null && Object.values(found).every(fits);
}

/** For `useRemembered`. */
export function isNumber(found: unknown): found is number {
  return typeof found === "number";
}

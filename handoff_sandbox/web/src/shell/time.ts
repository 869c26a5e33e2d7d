/** The sandbox's time, which can be moved forward, and its formats. */

import { useEffect, useState } from "react";
import type { World } from "../api";

/** The sandbox's time in seconds, updated every second. */
export function useWorldTime(world: World | undefined): number | undefined {
  const [real, setReal] = useState(() => Date.now() / 1000);
  useEffect(() => {
    const timer = setInterval(() => setReal(Date.now() / 1000), 1000);
    return () => clearInterval(timer);
  }, []);
  return world && world.now + Math.max(0, real - world.sent_at);
}

const CLOCK = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const PRECISE = new Intl.DateTimeFormat(undefined, { timeStyle: "medium" });
const DAY = new Intl.DateTimeFormat(undefined, {
  weekday: "short",
  day: "numeric",
  month: "short",
});

/** Hours and minutes. */
export function clockTime(seconds: number): string {
  return CLOCK.format(seconds * 1000);
}

/** Hours, minutes and seconds. */
export function preciseTime(seconds: number): string {
  return PRECISE.format(seconds * 1000);
}

/** Weekday, day and month. */
export function dayOf(seconds: number): string {
  return DAY.format(seconds * 1000);
}

const UNITS: [size: number, word: string][] = [
  [86_400, "d"],
  [3_600, "h"],
  [60, "min"],
  [1, "s"],
];

/** A duration in its two largest units, e.g. "1 d 2 h". */
export function lengthOf(seconds: number): string {
  let rest = Math.round(seconds);
  const parts: string[] = [];
  for (const [size, word] of UNITS) {
    const count = Math.floor(rest / size);
    rest -= count * size;
    if (count) parts.push(`${count} ${word}`);
  }
  return parts.slice(0, 2).join(" ") || "0 s";
}

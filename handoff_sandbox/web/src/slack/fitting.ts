/** Options that match typed text: the known ones at once, others as the bot suggests them. */

import { useEffect, useRef, useState } from "react";
import type { Done } from "../api";
import type { Group, Option } from "./elements";

/** Known groups, or a function to request matching ones. */
export type Search = Group[] | { ask: (typed: string) => Promise<Done>; least: number };

interface Fitting {
  groups: Group[];
  /** The note below the options. */
  note: string;
  /** All options seen so far. */
  seen: Option[];
}

const PAUSE_MS = 250;
const MOST = 100;

export function useFitting(search: Search, typed: string, isOpen: boolean): Fitting {
  const [found, setFound] = useState<Group[]>([]);
  const [seen, setSeen] = useState<Option[]>([]);
  const [isAsking, setAsking] = useState(false);
  const latest = useRef(0);
  const isKnown = Array.isArray(search);
  const least = isKnown ? 0 : search.least;
  const asking = useRef(search);
  asking.current = search;

  useEffect(() => {
    const mine = ++latest.current;
    const asked = asking.current;
    if (Array.isArray(asked) || !isOpen) return;
    if (typed.length < least) return setFound([]);
    setAsking(true);
    const timer = setTimeout(async () => {
      const done = await asked.ask(typed);
      if (mine !== latest.current) return; // somebody has typed on
      const groups = done.ok ? groupsIn(done.result) : [];
      setFound(groups);
      setSeen((before) => [...groups.flatMap((group) => group.options), ...before].slice(0, 10 * MOST));
      setAsking(false);
    }, PAUSE_MS);
    return () => clearTimeout(timer);
  }, [typed, isOpen, least]);

  if (isKnown) {
    const groups = search.map((group) => ({ ...group, options: group.options.filter((one) => fits(one, typed)) }));
    const filled = groups.filter((group) => group.options.length);
    return { groups: filled, note: filled.length ? "" : "No results.", seen: search.flatMap((one) => one.options) };
  }
  return { groups: found, note: noteOn(found, typed, least, isAsking), seen };
}

function noteOn(found: Group[], typed: string, least: number, isAsking: boolean): string {
  if (typed.length < least) return least === 1 ? "Type to search." : `Type at least ${least} characters.`;
  if (isAsking) return "Searching…";
  return found.length ? "" : "No results.";
}

function groupsIn(result: Record<string, unknown>): Group[] {
  const options = (result.options ?? []) as Option[];
  const groups = (result.option_groups ?? []) as { label: { text: string }; options: Option[] }[];
  const named = groups.map((one) => ({ label: one.label.text, options: one.options }));
  return options.length ? [{ label: "", options }, ...named] : named;
}

function fits(option: Option, typed: string): boolean {
  const words = `${option.text.text} ${option.description?.text ?? ""}`.toLowerCase();
  return words.includes(typed.trim().toLowerCase());
}

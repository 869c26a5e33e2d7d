/** The filters of the journal. */

import type { JournalEntry, Phone } from "../api";

export interface Filter {
  who: string;
  about: string;
  text: string;
}

export const EVERYTHING: Filter = { who: "", about: "", text: "" };

/** An entry's text in lower case, computed once: it is searched at every keystroke. */
const said = new WeakMap<JournalEntry, string>();

function words(entry: JournalEntry): string {
  const known = said.get(entry);
  if (known !== undefined) return known;
  const { method, path, status, request, response } = entry;
  const found = JSON.stringify([method, path, status, request, response]).toLowerCase();
  said.set(entry, found);
  return found;
}

/** The matching entries. */
export function filtered(entries: JournalEntry[], { who, about, text }: Filter): JournalEntry[] {
  const wanted = text.trim().toLowerCase();
  return entries.filter(
    (entry) =>
      (!who || entry.who === who) &&
      (!about || entry.about.includes(about)) &&
      (!wanted || words(entry).includes(wanted)),
  );
}

const NAMES: Record<string, string> = {
  slack: "Slack",
  twilio: "Twilio",
  openai: "OpenAI",
  webchat: "Website",
  shop: "Shop",
};

/** A service's own name. */
export function serviceName(who: string): string {
  return NAMES[who] ?? who;
}

/** The services that appear in these entries. */
export function everyone(entries: JournalEntry[]): [string, string][] {
  const all = [...new Set(entries.map((entry) => entry.who))];
  return all.map((who) => [who, serviceName(who)] as [string, string]).sort(byTitle);
}

/**
 * The conversations that appear in these entries, by the names people know them by.
 *
 * @param ours the business's own numbers: they are in every conversation.
 */
export function conversations(
  entries: JournalEntry[],
  phones: Phone[],
  ours: string[],
): [string, string][] {
  const names = new Map(phones.map(({ address, name }) => [address, name.trim()]));
  const about = new Set(entries.flatMap((entry) => entry.about));
  const all = [...about].filter((one) => !ours.includes(one));
  return all.map((one) => [one, titled(one, names)] as [string, string]).sort(byTitle);
}

function titled(about: string, names: Map<string, string>): string {
  const name = names.get(about.replace(/^whatsapp:/, ""));
  if (name) return `${name} (${about})`;
  return /^\d+\.\d+$/.test(about) ? `Slack thread ${about}` : about;
}

function byTitle([, one]: [string, string], [, other]: [string, string]): number {
  return one.localeCompare(other, undefined, { numeric: true });
}

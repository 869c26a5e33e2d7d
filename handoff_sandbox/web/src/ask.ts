/** Asking the page's server: to do something, for the journal. */

import type { Actions, Attachment, Done, JournalEntry } from "./api";

/** Longer than the bot has for a webhook, even a slow one. */
const PATIENCE_MS = 60_000;

/** Do something in the world. Never throws: trouble comes back as words. */
export async function act<Name extends keyof Actions>(
  name: Name,
  details: Actions[Name],
): Promise<Done> {
  try {
    const response = await fetch(`/sandbox/api/do/${name}`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(details),
      signal: AbortSignal.timeout(PATIENCE_MS),
    });
    return (await response.json()) as Done;
  } catch {
    return { ok: false, error: "The sandbox does not answer." };
  }
}

/** Entries of the journal after this number, oldest first, at most 500 of them. Throws on trouble. */
export async function journal(after: number): Promise<JournalEntry[]> {
  const response = await fetch(`/sandbox/api/journal?after=${after}`, {
    signal: AbortSignal.timeout(PATIENCE_MS),
  });
  if (!response.ok) throw new Error(`The journal was answered with ${response.status}.`);
  return ((await response.json()) as { entries: JournalEntry[] }).entries;
}

/** A file as an action takes it. */
export async function attachment(file: File): Promise<Attachment> {
  const bytes = new Uint8Array(await file.arrayBuffer());
  let binary = "";
  for (const byte of bytes) binary += String.fromCharCode(byte);
  return {
    name: file.name,
    content_type: file.type || "application/octet-stream",
    content: btoa(binary),
  };
}

/** Requests to the page's server: actions, and the journal. */

import type { Actions, Attachment, Done, Job, JournalEntry, LookUp } from "./api";

/** Longer than the timeout of a webhook. */
const PATIENCE_MS = 60_000;

/** Runs an action. Never throws: an error is returned as text. */
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
    return { ok: false, error: "The sandbox does not respond." };
  }
}

/** Entries of the journal after this number, oldest first, at most 500. Throws on errors. */
export async function journal(after: number): Promise<JournalEntry[]> {
  const response = await fetch(`/sandbox/api/journal?after=${after}`, {
    signal: AbortSignal.timeout(PATIENCE_MS),
  });
  if (!response.ok) throw new Error(`The journal could not be loaded (HTTP ${response.status}).`);
  return ((await response.json()) as { entries: JournalEntry[] }).entries;
}

/** The bot's newest jobs, newest first. Throws on errors. */
export async function jobs(): Promise<Job[]> {
  const response = await fetch("/sandbox/api/jobs", { signal: AbortSignal.timeout(PATIENCE_MS) });
  if (!response.ok) throw new Error(`The jobs could not be loaded (HTTP ${response.status}).`);
  return ((await response.json()) as { jobs: Job[] }).jobs;
}

/** The bot's newest look-ups, newest first. Throws on errors. */
export async function lookUps(): Promise<LookUp[]> {
  const response = await fetch("/sandbox/api/look-ups", { signal: AbortSignal.timeout(PATIENCE_MS) });
  if (!response.ok) throw new Error(`The look-ups could not be loaded (HTTP ${response.status}).`);
  return ((await response.json()) as { look_ups: LookUp[] }).look_ups;
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

/** Drafts for each phone and app, and sending them. */

import { useCallback, useState } from "react";
import type { PhoneApp } from "../api";
import { act, attachment } from "../ask";
import { isText, recordOf, useRemembered } from "../shell/remembered";
import { phoneKey } from "./choice";

/** The sandbox's limits for one message. */
const MOST_BYTES = 16 * 1024 * 1024;
const MOST_FILES = 5;

interface Loose {
  files: File[];
  /** How many sends are pending. */
  underWay: number;
  problem: string;
}

const NOTHING: Loose = { files: [], underWay: 0, problem: "" };

export interface Draft extends Loose {
  text: string;
  type: (text: string) => void;
  attach: (files: Iterable<File>) => void;
  detach: (file: File) => void;
  /** Sends the draft, or this text instead. */
  send: (words?: string) => void;
}

/** The draft for one phone and app. */
export function useDraft(app: PhoneApp, address: string): Draft {
  const key = phoneKey(app, address);
  const [texts, setTexts] = useRemembered("drafts", {}, recordOf(isText));
  const [loose, setLoose] = useState<Record<string, Loose>>({});
  const { files, underWay, problem } = loose[key] ?? NOTHING;
  const text = texts[key] ?? "";

  const type = useCallback(
    (words: string) => setTexts((all) => ({ ...all, [key]: words })),
    [key, setTexts],
  );
  const change = useCallback(
    (how: (before: Loose) => Partial<Loose>) =>
      setLoose((all) => {
        const before = all[key] ?? NOTHING;
        return { ...all, [key]: { ...before, ...how(before) } };
      }),
    [key],
  );
  const attach = (more: Iterable<File>) => {
    // Copied at once: the browser empties its list when the field is cleared.
    const files = [...more];
    change((before) => added(before.files, files));
  };
  const detach = (file: File) =>
    change((before) => ({ files: before.files.filter((one) => one !== file), problem: "" }));

  const deliver = async (words: string, along: File[]) => {
    change((before) => ({ underWay: before.underWay + 1, problem: "" }));
    const media = await Promise.all(along.map(attachment));
    const done = await act("phone.write", { app, address, text: words, media });
    change((before) => ({ underWay: before.underWay - 1 }));
    if (done.ok) {
      const unheard = String(done.result.unheard ?? "");
      if (unheard) change(() => ({ problem: unheard }));
      return;
    }
    change((before) => ({ problem: done.error, files: [...along, ...before.files] }));
    setTexts((all) => ({ ...all, [key]: joined(words, all[key] ?? "") }));
  };
  const send = (words?: string) => {
    if (words !== undefined) return void deliver(words, []);
    if (!text.trim() && !files.length) return;
    type("");
    change(() => ({ files: [] }));
    void deliver(text.trim(), files);
  };
  return { text, files, underWay, problem, type, attach, detach, send };
}

function added(files: File[], more: File[]): Partial<Loose> {
  const all = [...files, ...more];
  if (all.length > MOST_FILES) return { problem: `A message can have at most ${MOST_FILES} files.` };
  const bytes = all.reduce((sum, file) => sum + file.size, 0);
  if (bytes > MOST_BYTES) return { problem: "The files of a message can have at most 16 MB in total." };
  return { files: all, problem: "" };
}

function joined(first: string, second: string): string {
  return first && second ? `${first}\n${second}` : first || second;
}

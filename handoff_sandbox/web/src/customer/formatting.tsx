/** WhatsApp's formatting of *bold*, _italic_, ~strike~ and code; other apps show the characters. */

import type { ReactNode } from "react";

/** Text between two marks, around whole words: 2 * 3 and snake_case stay as they are. */
const between = (mark: string) =>
  `(?<![\\p{L}\\p{N}])[${mark}](?=\\S)([^${mark}\\n]+)(?<=\\S)[${mark}](?![\\p{L}\\p{N}])`;
const MARKED = new RegExp(
  ["```([^]+?)```", "`([^`\\n]+)`", between("*"), between("_"), between("~")].join("|"),
  "gu",
);

/** Renders marked text with its formatting. The output is always text, never HTML. */
export function formatted(text: string): ReactNode[] {
  const parts: ReactNode[] = [];
  let end = 0;
  for (const found of text.matchAll(MARKED)) {
    parts.push(text.slice(end, found.index), element(found));
    end = found.index + found[0].length;
  }
  return [...parts, text.slice(end)];
}

function element(found: RegExpMatchArray): ReactNode {
  const [, block, code, bold, italic, struck] = found;
  const key = found.index;
  if (bold) return <strong key={key}>{bold}</strong>;
  if (italic) return <em key={key}>{italic}</em>;
  if (struck) return <s key={key}>{struck}</s>;
  return <code key={key}>{block ?? code}</code>;
}

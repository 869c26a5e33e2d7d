/** Pictures: files of the workspace are shown, others are only named. */

import type { SlackBlock } from "../api";
import { withEmoji } from "./words";

const FILE = /\/(?:files-pri\/T\w+-|files\/\w+\/)(F\w+)\//;

/** An object with `image_url` or `slack_file`, and `alt_text`. */
type Shown = Record<string, unknown>;

/** Nothing is fetched from other hosts: a message must not reveal its readers to a third party. */
export function sourceOf(picture: Shown): string | undefined {
  const { id, url } = (picture.slack_file ?? {}) as { id?: string; url?: string };
  const address = String(picture.image_url ?? url ?? "");
  const file = id ?? FILE.exec(address)?.[1];
  if (file) return `/sandbox/files/${encodeURIComponent(file)}`;
  return /^(data:image\/|\/sandbox\/)/.test(address) ? address : undefined;
}

/** The alt text. */
export function wordsOf(picture: Shown): string {
  return String(picture.alt_text || "a picture");
}

/** A block that is a picture, or a picture beside a section. */
export function Picture({ block, isSmall = false }: { block: SlackBlock; isSmall?: boolean }) {
  const source = sourceOf(block);
  const title = (block.title as { text: string } | undefined)?.text;
  return (
    <figure className={isSmall ? "sl-thumbnail" : "sl-figure"}>
      {title && <figcaption>{withEmoji(title)}</figcaption>}
      {source ? (
        <img className="sl-picture" src={source} alt={wordsOf(block)} />
      ) : (
        <p className="sl-only">[{wordsOf(block)}]</p>
      )}
    </figure>
  );
}

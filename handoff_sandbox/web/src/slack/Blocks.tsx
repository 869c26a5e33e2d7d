/** Block Kit: text by slack-blocks-to-jsx, interactive elements by our own controls. */

import { memo, type ReactNode, useMemo } from "react";
import { type Block, Message } from "slack-blocks-to-jsx";
import type { SlackBlock } from "../api";
import { Control } from "./Controls";
import { DataTable, Feedback } from "./Data";
import { elementsOf, isInteractive } from "./elements";
import { Link } from "./links";
import { nameOf, type Scene, useScene } from "./people";
import { Picture, sourceOf, wordsOf } from "./pictures";
import { emoji, slackDate } from "./words";

/**
 * All blocks of a message, a window or a Home tab; input blocks are the window's own.
 *
 * Blocks are told apart by their place, not their id: most ids are new whenever the bot draws again, and
 * the focus should stay on the button that it is on.
 */
export function Blocks({ blocks }: { blocks: SlackBlock[] }) {
  return (
    <div className="sl-blocks">
      {blocks.map((block, at) => (
        <OneBlock key={`${at} ${block.type}`} block={block} />
      ))}
    </div>
  );
}

function OneBlock({ block }: { block: SlackBlock }) {
  const { me } = useScene();
  const id = block.block_id ?? "";
  if (block.type === "actions") {
    return (
      <div className="sl-actions">
        {elementsOf(block, me).map((element) => (
          <Control key={element.action_id + (element.value ?? "")} element={element} block={id} />
        ))}
      </div>
    );
  }
  if (block.type === "data_table") return <DataTable block={block} />;
  if (block.type === "context_actions") return <Feedback block={block} />;
  const accessory = block.accessory as SlackBlock | undefined;
  if (block.type === "section" && accessory) {
    const { accessory: _, ...words } = block;
    return (
      <div className="sl-with-accessory">
        <Drawn block={words as SlackBlock} />
        {isInteractive(accessory) ? <Control element={accessory} block={id} /> : <Picture block={accessory} isSmall />}
      </div>
    );
  }
  return block.type === "image" ? <Picture block={block} /> : <Drawn block={block} />;
}

/** One text block, rendered again only after a change or when dates age. */
const Drawn = memo(function Drawn({ block }: { block: SlackBlock }) {
  const scene = useScene();
  const data = useMemo(() => dataOf(scene), [scene]);
  const hooks = useMemo(() => hooksOf(scene), [scene]);
  const drawn = useMemo(() => speaking(block) as unknown as Block, [block]);
  return <Message withoutWrapper blocks={[drawn]} data={data} hooks={hooks} logo="" name="" />;
});

/**
 * The block without `verbatim`, which the library takes as "draw no dates" and Slack as "make no links",
 * without pictures from elsewhere, and with plain text that stays as it is.
 */
function speaking(block: SlackBlock): unknown {
  return JSON.parse(JSON.stringify(block), (key, value: unknown) => {
    if (key === "verbatim") return undefined;
    const part = value as SlackBlock | null;
    if (!part || typeof part !== "object") return value;
    if (part.type === "plain_text") return { ...part, text: unparsed(String(part.text)) };
    return part.type === "image" ? safe(part) : value;
  });
}

/** Plain text in which the library finds no mentions and links, as Slack finds none. */
function unparsed(text: string): string {
  return text.replace(/<(?=[@#!]|https?:|mailto:|tel:)/g, "<\u2060");
}

function safe(picture: SlackBlock): unknown {
  const { slack_file: _, ...rest } = picture;
  const source = sourceOf(picture);
  if (source) return { ...rest, image_url: source };
  return { type: "plain_text", text: `[${wordsOf(picture)}]` };
}

function dataOf(scene: Scene) {
  return {
    users: scene.people.map((one) => ({ id: one.id, name: one.real_name })),
    channels: scene.channels.map((one) => ({ id: one.id, name: one.name })),
    user_groups: scene.groups.map((one) => ({ id: one.id, name: one.handle })),
  };
}

function hooksOf(scene: Scene) {
  return {
    user: ({ id }: { id: string }) => <span className="sl-mention">@{nameOf(scene, id)}</span>,
    usergroup: ({ id, name }: { id: string; name: string }) => (
      <span className="sl-mention">@{scene.groups.find((one) => one.id === id)?.handle ?? name}</span>
    ),
    channel: ({ id, name }: { id: string; name: string }) => (
      <span className="sl-mention">#{scene.channels.find((one) => one.id === id)?.name ?? name}</span>
    ),
    emoji: ({ name }: { name: string }, parse: (data: { name: string }) => string) =>
      emoji(name).startsWith(":") ? parse({ name }) : emoji(name),
    date: ({ timestamp, format, fallback }: { timestamp: string; format: string; fallback: string }) => (
      <time title={fallback}>{slackDate(Number(timestamp), format, scene.now)}</time>
    ),
    link: ({ href, children }: { href: string; children: ReactNode }) => <Link href={href}>{children}</Link>,
  };
}

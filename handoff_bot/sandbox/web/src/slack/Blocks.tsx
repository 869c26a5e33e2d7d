/** Block Kit: the words by slack-blocks-to-jsx, whatever acts by our own controls. */

import { memo, type ReactNode, useMemo } from "react";
import { type Block, Message } from "slack-blocks-to-jsx";
import type { SlackBlock } from "../api";
import { Control, elementsOf, isInteractive } from "./Controls";
import { nameOf, type Scene, useScene } from "./people";
import { emoji, slackDate } from "./words";

/** All blocks of a message, a window or a Home tab; input blocks are the window's own. */
export function Blocks({ blocks }: { blocks: SlackBlock[] }) {
  return (
    <div className="sl-blocks">
      {blocks.map((block, at) => (
        <OneBlock key={block.block_id ?? at} block={block} />
      ))}
    </div>
  );
}

function OneBlock({ block }: { block: SlackBlock }) {
  if (block.type === "actions") {
    return (
      <div className="sl-actions">
        {elementsOf(block).map((element) => (
          <Control key={element.action_id + (element.value ?? "")} element={element} />
        ))}
      </div>
    );
  }
  if (block.type === "section" && isInteractive(block.accessory)) {
    const { accessory, ...words } = block;
    return (
      <div className="sl-with-accessory">
        <Drawn block={words as SlackBlock} />
        <Control element={accessory} />
      </div>
    );
  }
  if (block.type === "image" || (block.accessory as SlackBlock | undefined)?.type === "image") {
    return <Picture block={block} />;
  }
  return <Drawn block={block} />;
}

/** No picture is fetched from anywhere but this page: a message must not tell a stranger who reads it. */
function Picture({ block }: { block: SlackBlock }) {
  const source = String(block.image_url ?? (block.slack_file as { url?: string } | undefined)?.url ?? "");
  const isOurs = source.startsWith("data:image/") || source.startsWith("/sandbox/");
  const words = String(block.alt_text ?? "a picture");
  return isOurs ? <img className="sl-picture" src={source} alt={words} /> : <p>[{words}]</p>;
}

/** One block of words, drawn anew only when it changes or time has passed. */
const Drawn = memo(function Drawn({ block }: { block: SlackBlock }) {
  const scene = useScene();
  const data = useMemo(() => dataOf(scene), [scene]);
  const hooks = useMemo(() => hooksOf(scene), [scene]);
  const drawn = useMemo(() => speaking(block) as unknown as Block, [block]);
  return <Message withoutWrapper blocks={[drawn]} data={data} hooks={hooks} logo="" name="" />;
});

/** The block without `verbatim`: the library takes it as "draw no dates", Slack as "make no links". */
function speaking(block: SlackBlock): unknown {
  return JSON.parse(JSON.stringify(block, (key, value: unknown) => (key === "verbatim" ? undefined : value)));
}

function dataOf(scene: Scene) {
  return {
    users: scene.people.map((one) => ({ id: one.id, name: one.real_name })),
    channels: scene.channels.map((one) => ({ id: one.id, name: one.name })),
    user_groups: [],
  };
}

function hooksOf(scene: Scene) {
  return {
    user: ({ id }: { id: string }) => <span className="sl-mention">@{nameOf(scene, id)}</span>,
    channel: ({ id, name }: { id: string; name: string }) => (
      <span className="sl-mention">#{scene.channels.find((one) => one.id === id)?.name ?? name}</span>
    ),
    emoji: ({ name }: { name: string }, parse: (data: { name: string }) => string) =>
      emoji(name).startsWith(":") ? parse({ name }) : emoji(name),
    date: ({ timestamp, format, fallback }: { timestamp: string; format: string; fallback: string }) => (
      <time title={fallback}>{slackDate(Number(timestamp), format, scene.now)}</time>
    ),
    link: ({ href, children }: { href: string; children: ReactNode }) => (
      <Link href={href} scene={scene}>
        {children}
      </Link>
    ),
  };
}

const PERMALINK = /\/archives\/(\w+)\/p(\d{10})(\d{6})/;

/** A link to a message of this workspace leads to its thread; any other to a new window. */
function Link({ href, scene, children }: { href: string; scene: Scene; children: ReactNode }) {
  const [, channel, seconds, rest] = PERMALINK.exec(href) ?? [];
  if (channel && seconds && rest) {
    return (
      <button type="button" className="sl-link" onClick={() => scene.open(channel, `${seconds}.${rest}`)}>
        {children}
      </button>
    );
  }
  return (
    <a href={href} target="_blank" rel="noopener noreferrer nofollow">
      {children}
    </a>
  );
}

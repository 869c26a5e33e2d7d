/** One message: who, when, what, and what can be done with it. */

import { useMemo, useState } from "react";
import type { SlackBlock, SlackFile, SlackMessage } from "../api";
import { clockTime } from "../shell/time";
import { useAct } from "../shell/trouble";
import { Blocks } from "./Blocks";
import { authorOf, nameOf, useScene } from "./people";
import { OnSurface, type Surface } from "./surface";
import { emoji, PICKABLE } from "./words";

interface Props {
  message: SlackMessage;
  channel: string;
  /** Seen by this person alone. */
  isEphemeral?: boolean;
  /** How many replies are below it, and what shows them; nothing inside a thread. */
  replies?: number;
  onThread?: (() => void) | undefined;
  isPinned?: boolean;
}

export function Message({ message, channel, isEphemeral = false, replies = 0, onThread, isPinned }: Props) {
  const scene = useScene();
  const surface = useMessageSurface(message, channel, isEphemeral);
  const [isEditing, setEditing] = useState(false);
  const author = authorOf(scene, message);
  if (message.subtype === "channel_join") return <p className="sl-event">{author} joined the channel.</p>;
  return (
    <article className="sl-message" aria-label={`${author}, ${clockTime(Number(message.ts))}`} data-ts={message.ts}>
      <Avatar name={author} isBot={Boolean(message.bot_id)} />
      <div className="sl-body">
        {isEphemeral && <p className="sl-only">Only visible to you</p>}
        {isPinned && <p className="sl-only">📌 Pinned</p>}
        <p className="sl-head">
          <strong>{author}</strong>
          {message.bot_id && <span className="sl-app">App</span>}
          <time>{clockTime(Number(message.ts))}</time>
        </p>
        {isEditing ? (
          <Edit message={message} channel={channel} onDone={() => setEditing(false)} />
        ) : (
          <OnSurface surface={surface}>
            <Blocks blocks={blocksOf(message)} />
          </OnSurface>
        )}
        {message.edited && <span className="sl-edited">(edited)</span>}
        {message.files?.map((file) => <File key={file.id} file={file} />)}
        <Reactions message={message} channel={channel} />
        {onThread && replies > 0 && (
          <button type="button" className="sl-replies" onClick={onThread}>
            {replies === 1 ? "1 reply" : `${replies} replies`}
          </button>
        )}
      </div>
      {!isEphemeral && (
        <div className="sl-menu-at">
          <Menu message={message} channel={channel} onThread={onThread} onEdit={() => setEditing(true)} />
        </div>
      )}
    </article>
  );
}

function useMessageSurface(message: SlackMessage, channel: string, isEphemeral: boolean): Surface {
  const { me } = useScene();
  const act = useAct();
  return useMemo(() => {
    const at = { user: me, channel, ts: message.ts };
    return {
      click: (action_id, value) => {
        const pressed = value === undefined ? { action_id } : { action_id, value };
        return isEphemeral
          ? act("slack.click_ephemeral", { user: me, ts: message.ts, ...pressed })
          : act("slack.click", { ...at, ...pressed });
      },
      select: (action_id, choice) => act("slack.select", { ...at, action_id, choice }),
    };
  }, [act, me, channel, message.ts, isEphemeral]);
}

/** What it says as blocks: a message without any is its text. */
function blocksOf(message: SlackMessage): SlackBlock[] {
  if (message.blocks?.length) return message.blocks;
  return message.text ? [{ type: "section", text: { type: "mrkdwn", text: message.text } }] : [];
}

function Avatar({ name, isBot }: { name: string; isBot: boolean }) {
  const hue = [...name].reduce((sum, letter) => sum + letter.charCodeAt(0), 0) % 6;
  return (
    <span className={`sl-avatar sl-hue-${hue}`} aria-hidden="true">
      {isBot ? "⇄" : name.slice(0, 1).toUpperCase()}
    </span>
  );
}

function File({ file }: { file: SlackFile }) {
  const isPicture = /^image\/(png|jpeg|gif|webp)$/.test(file.mimetype);
  return (
    <p className="sl-file">
      {isPicture && <img src={file.sandbox_url} alt={file.name} />}
      <a href={file.sandbox_url} download={file.name}>
        {file.name}
      </a>{" "}
      ({Math.ceil(file.size / 1024)} KB)
    </p>
  );
}

function Reactions({ message, channel }: { message: SlackMessage; channel: string }) {
  const scene = useScene();
  const act = useAct();
  if (!message.reactions?.length) return null;
  return (
    <p className="sl-reactions">
      {message.reactions.map(({ name, users }) => (
        <button
          key={name}
          type="button"
          className="sl-reaction"
          aria-pressed={users.includes(scene.me)}
          title={users.map((user) => nameOf(scene, user)).join(", ")}
          onClick={() => void act("slack.react", { user: scene.me, channel, ts: message.ts, name })}
        >
          <span aria-hidden="true">{emoji(name)}</span>
          <span className="unseen">{name.replaceAll("_", " ")}</span> {users.length}
        </button>
      ))}
    </p>
  );
}

interface MenuProps {
  message: SlackMessage;
  channel: string;
  onThread: (() => void) | undefined;
  onEdit: () => void;
}

/** What hovering over a message offers; a keyboard finds it behind the message. */
function Menu({ message, channel, onThread, onEdit }: MenuProps) {
  const { me } = useScene();
  const act = useAct();
  const at = { user: me, channel, ts: message.ts };
  const isMine = message.user === me && !message.bot_id;
  return (
    <div className="sl-menu" role="group" aria-label="Message actions">
      {PICKABLE.slice(0, 3).map((name) => (
        <button
          key={name}
          type="button"
          aria-label={`React with ${name.replaceAll("_", " ")}`}
          onClick={() => void act("slack.react", { ...at, name })}
        >
          {emoji(name)}
        </button>
      ))}
      {onThread && (
        <button type="button" onClick={onThread}>
          Reply in thread
        </button>
      )}
      {isMine && (
        <>
          <button type="button" onClick={onEdit}>
            Edit
          </button>
          <button type="button" onClick={() => void act("slack.delete", at)}>
            Delete
          </button>
        </>
      )}
    </div>
  );
}

function Edit({ message, channel, onDone }: { message: SlackMessage; channel: string; onDone: () => void }) {
  const { me } = useScene();
  const act = useAct();
  const [text, setText] = useState(message.text);
  const save = async () => {
    const done = await act("slack.edit", { user: me, channel, ts: message.ts, text });
    if (done.ok) onDone();
  };
  return (
    <form
      className="sl-edit"
      onSubmit={(event) => {
        event.preventDefault();
        void save();
      }}
    >
      <textarea
        aria-label="Edit message"
        value={text}
        autoFocus
        onChange={(event) => setText(event.target.value)}
        onKeyDown={(event) => event.key === "Escape" && onDone()}
      />
      <button type="button" className="button" onClick={onDone}>
        Cancel
      </button>
      <button type="submit" className="button button-strong">
        Save
      </button>
    </form>
  );
}

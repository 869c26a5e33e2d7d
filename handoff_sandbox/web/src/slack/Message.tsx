/** One message: author, time, content, and actions. */

import { useMemo, useState } from "react";
import type { Private, SlackBlock, SlackFile, SlackMessage } from "../api";
import { act as actQuietly } from "../ask";
import { clockTime } from "../shell/time";
import { useAct } from "../shell/trouble";
import { useValue } from "../store";
import { Avatar } from "./Avatar";
import { Blocks } from "./Blocks";
import { MessageMenu } from "./MessageMenu";
import { authorOf, nameOf, useScene } from "./people";
import { heldIn, OnSurface, type State, type Surface } from "./surface";
import { emoji } from "./words";

interface Props {
  message: SlackMessage;
  channel: string;
  /** Visible to this person only. */
  isEphemeral?: boolean;
  /** The number of replies, and the function to show them; undefined inside a thread. */
  replies?: number;
  /** How many of the replies this person has not read. */
  fresh?: number;
  onThread?: (() => void) | undefined;
  isPinned?: boolean;
}

export function Message({ message, channel, isEphemeral = false, replies = 0, fresh = 0, onThread, isPinned }: Props) {
  const scene = useScene();
  const surface = useMessageSurface(message, channel, isEphemeral);
  const [isEditing, setEditing] = useState(false);
  const author = authorOf(scene, message);
  if (/^(channel|group)_join$/.test(message.subtype ?? "")) return <p className="sl-event">{author} joined the channel.</p>;
  return (
    <article className="sl-message" aria-label={`${author}, ${clockTime(Number(message.ts))}`} data-ts={message.ts}>
      <Avatar message={message} name={author} />
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
            {fresh > 0 && <span className="sl-new">{fresh} new</span>}
          </button>
        )}
      </div>
      {!isEphemeral && (
        <div className="sl-menu-at">
          <MessageMenu
            message={message}
            channel={channel}
            isPinned={Boolean(isPinned)}
            onThread={onThread}
            onEdit={() => setEditing(true)}
          />
        </div>
      )}
    </article>
  );
}

function useMessageSurface(message: SlackMessage, channel: string, isEphemeral: boolean): Surface {
  const { me } = useScene();
  const act = useAct();
  const { ts } = message;
  const chosen = useValue<Private>(`private:${me}`)?.chosen?.[ts] as State | undefined;
  return useMemo(() => {
    const at = { user: me, channel, ts };
    return {
      click: (action_id, value) => {
        const pressed = value === undefined ? { action_id } : { action_id, value };
        return isEphemeral
          ? act("slack.click_ephemeral", { user: me, ts, ...pressed })
          : act("slack.click", { ...at, ...pressed });
      },
      select: (action_id, choice) =>
        isEphemeral
          ? act("slack.select_ephemeral", { user: me, ts, action_id, choice })
          : act("slack.select", { ...at, action_id, choice }),
      suggest: (action_id, typed) => actQuietly("slack.suggest", { ...at, action_id, typed }),
      held: heldIn(chosen),
    };
  }, [act, me, channel, ts, isEphemeral, chosen]);
}

/** The message as blocks: without blocks, its text. */
function blocksOf(message: SlackMessage): SlackBlock[] {
  if (message.blocks?.length) return message.blocks;
  return message.text ? [{ type: "section", text: { type: "mrkdwn", text: message.text } }] : [];
}

/** Pictures are shown with their alt text; everything can be downloaded. */
function File({ file }: { file: SlackFile }) {
  const isPicture = /^image\/(png|jpeg|gif|webp)$/.test(file.mimetype);
  const words = String(file.alt_txt ?? file.title ?? file.name);
  return (
    <p className="sl-file">
      {isPicture && <img src={file.sandbox_url} alt={words} />}
      <a href={file.sandbox_url} download={file.name}>
        <span aria-hidden="true">📎</span> {file.name}
      </a>{" "}
      <span className="sl-only">{Math.ceil(file.size / 1024)} KB</span>
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

/** Actions on a message: react, reply, edit, and the app's shortcuts. */

import type { SlackMessage, World } from "../api";
import { useAct } from "../shell/trouble";
import { useValue } from "../store";
import { MenuButton } from "./Menu";
import { useScene } from "./people";
import { emoji, PICKABLE } from "./words";

interface Props {
  message: SlackMessage;
  channel: string;
  isPinned: boolean;
  onThread: (() => void) | undefined;
  onEdit: () => void;
}

/** Shown when hovering over a message; by keyboard, it follows the message. */
export function MessageMenu({ message, channel, isPinned, onThread, onEdit }: Props) {
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
      <More at={at} isPinned={isPinned} />
    </div>
  );
}

function More({ at, isPinned }: { at: { user: string; channel: string; ts: string }; isPinned: boolean }) {
  const act = useAct();
  const shortcuts = useValue<World>("world")?.shortcuts ?? [];
  const items = shortcuts
    .filter((one) => one.type === "message")
    .map((one) => ({
      key: one.callback_id,
      label: one.name,
      help: one.description,
      onChoose: () => void act("slack.shortcut", { ...at, callback_id: one.callback_id }),
    }));
  const pin = {
    key: " pin",
    label: isPinned ? "Unpin from channel" : "Pin to channel",
    onChoose: () => void act("slack.pin", at),
  };
  return <MenuButton label="More actions" face={<span aria-hidden="true">⋮</span>} items={[...items, pin]} className="sl-more" />;
}

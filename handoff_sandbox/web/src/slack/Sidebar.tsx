/** The list of places, with unread counts. */

import { useState } from "react";
import type { SlackChannel, SlackMessage } from "../api";
import { useAct } from "../shell/trouble";
import { useValue } from "../store";
import { AddChannel } from "./AddChannel";
import { channelName, useScene } from "./people";
import { freshIn, type Seen } from "./seen";
import { You } from "./You";

const HOME = "home";

interface Props {
  place: string;
  seen: Seen;
  onPlace: (place: string) => void;
  onPerson: (user: string) => void;
}

/** `place` is a slack_channel's id, or "home". */
export function Sidebar({ place, seen, onPlace, onPerson }: Props) {
  const scene = useScene();
  const mine = scene.channels.filter((one) => !one.is_im && one.members.includes(scene.me));
  const rows = { seen, place, onPlace };
  return (
    <nav className="sl-sidebar" aria-label="Workspace">
      <h2>Workspace</h2>
      <You onPerson={onPerson} />
      <h3>Channels</h3>
      <ul>
        {mine.map((one) => (
          <Row key={one.id} channel={one} {...rows} />
        ))}
        <New onPlace={onPlace} />
      </ul>
      <h3>Apps</h3>
      <ul>
        <li>
          <button type="button" aria-current={place === HOME ? "page" : undefined} onClick={() => onPlace(HOME)}>
            <span aria-hidden="true">⌂</span> Handoff Home
          </button>
        </li>
        <Direct {...rows} />
      </ul>
    </nav>
  );
}

function New({ onPlace }: { onPlace: (place: string) => void }) {
  const [isAsking, setAsking] = useState(false);
  const done = (channel?: string) => {
    setAsking(false);
    if (channel) onPlace(channel);
  };
  return (
    <li>
      <button type="button" onClick={() => setAsking(true)}>
        <span aria-hidden="true">+</span> Add a channel
      </button>
      {isAsking && <AddChannel onDone={done} />}
    </li>
  );
}

interface Rows {
  seen: Seen;
  place: string;
  onPlace: (place: string) => void;
}

/** The direct messages with the app, which are opened on first use. */
function Direct({ seen, place, onPlace }: Rows) {
  const { me, channels } = useScene();
  const act = useAct();
  const direct = channels.find((one) => one.is_im && one.user === me);
  const open = async () => {
    if (direct) onPlace(direct.id);
    const done = await act("slack.home", { user: me, tab: "messages" });
    if (done.ok && !direct) onPlace(String(done.result.channel));
  };
  if (direct) return <Row channel={direct} seen={seen} place={place} onPlace={() => void open()} />;
  return (
    <li>
      <button type="button" onClick={() => void open()}>
        <span aria-hidden="true">✉</span> Messages
      </button>
    </li>
  );
}

function Row({ channel, seen, place, onPlace }: Rows & { channel: SlackChannel }) {
  const scene = useScene();
  const messages = useValue<SlackMessage[]>(`channel:${channel.id}`) ?? [];
  const isHere = place === channel.id;
  const unread = freshIn(seen, scene.me, channel.id, messages).length;
  return (
    <li>
      <button
        type="button"
        className={unread ? "sl-unread" : ""}
        aria-current={isHere ? "page" : undefined}
        onClick={() => onPlace(channel.id)}
      >
        <span aria-hidden="true">{channel.is_im ? "✉" : channel.is_private ? "🔒" : "#"}</span>{" "}
        {channel.is_im ? "Messages" : channelName(channel)}
        {unread > 0 && (
          <span className="sl-count">
            {unread}
            <span className="unseen"> unread</span>
          </span>
        )}
      </button>
    </li>
  );
}

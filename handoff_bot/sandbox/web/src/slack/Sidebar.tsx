/** Who looks, where there is to look, and what is new there. */

import type { SlackChannel, SlackMessage } from "../api";
import { useAct } from "../shell/trouble";
import { useValue } from "../store";
import { channelName, isInChannel, useScene } from "./people";

const HOME = "home";

interface Props {
  place: string;
  seen: Record<string, string>;
  onPlace: (place: string) => void;
  onPerson: (user: string) => void;
}

/** `place` is a slack_channel's id, or "home". */
export function Sidebar({ place, seen, onPlace, onPerson }: Props) {
  const scene = useScene();
  const mine = scene.channels.filter((one) => !one.is_im && one.members.includes(scene.me));
  const direct = scene.channels.filter((one) => one.is_im && one.user === scene.me);
  return (
    <nav className="sl-sidebar" aria-label="Workspace">
      <h2>Workspace</h2>
      <Person onPerson={onPerson} />
      <h3>Channels</h3>
      <ul>
        {mine.map((one) => (
          <Row key={one.id} channel={one} seen={seen[`${scene.me}:${one.id}`]} place={place} onPlace={onPlace} />
        ))}
      </ul>
      <h3>Apps</h3>
      <ul>
        <li>
          <button type="button" aria-current={place === HOME ? "page" : undefined} onClick={() => onPlace(HOME)}>
            <span aria-hidden="true">⌂</span> Handoff Home
          </button>
        </li>
        {direct.map((one) => (
          <Row key={one.id} channel={one} seen={seen[`${scene.me}:${one.id}`]} place={place} onPlace={onPlace} />
        ))}
      </ul>
    </nav>
  );
}

function Person({ onPerson }: { onPerson: (user: string) => void }) {
  const { me, people } = useScene();
  const act = useAct();
  const person = people.find((one) => one.id === me);
  const isActive = person?.presence !== "away";
  const presence = isActive ? "away" : "active";
  return (
    <div className="sl-person">
      <label>
        You are
        <select aria-label="You are" value={me} onChange={(event) => onPerson(event.target.value)}>
          {people
            .filter((one) => !one.is_bot)
            .map((one) => (
              <option key={one.id} value={one.id}>
                {one.real_name} {one.is_admin ? "(admin)" : "(agent)"}
              </option>
            ))}
        </select>
      </label>
      <button
        type="button"
        className="sl-presence"
        aria-label={`You are ${isActive ? "active" : "away"}. Set yourself ${presence}.`}
        onClick={() => void act("slack.presence", { user: me, presence })}
      >
        <span aria-hidden="true">{isActive ? "🟢" : "⚪"}</span> {isActive ? "Active" : "Away"}
      </button>
    </div>
  );
}

interface RowProps {
  channel: SlackChannel;
  seen: string | undefined;
  place: string;
  onPlace: (place: string) => void;
}

function Row({ channel, seen, place, onPlace }: RowProps) {
  const scene = useScene();
  const messages = useValue<SlackMessage[]>(`channel:${channel.id}`) ?? [];
  const fresh = messages.filter((one) => isInChannel(one) && Number(one.ts) > Number(seen ?? 0) && one.user !== scene.me);
  const isHere = place === channel.id;
  const unread = isHere ? 0 : fresh.length;
  return (
    <li>
      <button
        type="button"
        className={unread ? "sl-unread" : ""}
        aria-current={isHere ? "page" : undefined}
        onClick={() => onPlace(channel.id)}
      >
        <span aria-hidden="true">{channel.is_im ? "✉" : "#"}</span> {channelName(channel)}
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

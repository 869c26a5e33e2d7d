/** The current person, their presence, and do-not-disturb. */

import type { Person } from "../api";
import { clockTime } from "../shell/time";
import { useAct } from "../shell/trouble";
import { MenuButton } from "./Menu";
import { useScene } from "./people";

export function You({ onPerson }: { onPerson: (user: string) => void }) {
  const { me, people } = useScene();
  const person = people.find((one) => one.id === me);
  return (
    <div className="sl-person">
      <label>
        You are
        <select aria-label="You are" value={me} onChange={(event) => onPerson(event.target.value)}>
          {people
            .filter((one) => !one.is_bot && !one.deleted)
            .map((one) => (
              <option key={one.id} value={one.id}>
                {one.real_name} {one.is_admin ? "(admin)" : "(agent)"}
              </option>
            ))}
        </select>
      </label>
      {person && <Presence person={person} />}
      {person && <Notifications person={person} />}
    </div>
  );
}

function Presence({ person }: { person: Person }) {
  const act = useAct();
  const isActive = person.presence !== "away";
  const presence = isActive ? "away" : "active";
  return (
    <button
      type="button"
      className="sl-presence"
      aria-label={`You are ${isActive ? "active" : "away"}. Set yourself ${presence}.`}
      onClick={() => void act("slack.presence", { user: person.id, presence })}
    >
      <span aria-hidden="true">{isActive ? "🟢" : "⚪"}</span> {isActive ? "Active" : "Away"}
    </button>
  );
}

const PAUSES: [words: string, minutes: number][] = [
  ["30 minutes", 30],
  ["1 hour", 60],
  ["8 hours", 480],
];

function Notifications({ person }: { person: Person }) {
  const { now } = useScene();
  const act = useAct();
  const isPaused = person.dnd_until > now;
  const snooze = (minutes: number) => void act("slack.snooze", { user: person.id, minutes });
  const pauses = PAUSES.map(([words, minutes]) => ({
    key: words,
    label: `Pause for ${words}`,
    onChoose: () => snooze(minutes),
  }));
  const resume = { key: "resume", label: "Resume notifications", onChoose: () => snooze(0) };
  const state = isPaused ? `Paused until ${clockTime(person.dnd_until)}` : "Notifications on";
  return (
    <MenuButton
      label={`${state}. Change…`}
      face={
        <>
          <span aria-hidden="true">{isPaused ? "🔕" : "🔔"}</span> {state}
        </>
      }
      items={isPaused ? [resume, ...pauses] : pauses}
      className="sl-presence"
    />
  );
}

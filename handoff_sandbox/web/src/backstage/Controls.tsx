/** The controls: clock, scripted customers, faults, and the bot. */

import { useEffect, useState } from "react";
import type { FaultSwitch, Script, World } from "../api";
import { dayOf, lengthOf, preciseTime, useWorldTime } from "../shell/time";
import { useAct } from "../shell/trouble";
import { Jobs } from "./Jobs";
import { LookUps } from "./LookUps";
import { Mailbox } from "./Mailbox";

/** All of them, one below the other. */
export function Controls({ world }: { world: World }) {
  return (
    <div className="controls">
      <Clock world={world} />
      <Scripts scripts={world.scripts} />
      <Faults faults={world.faults} />
      <Mailbox />
      <LookUps />
      <Jobs />
      <BotSwitch bot={world.bot} />
    </div>
  );
}

const JUMPS: [label: string, seconds: number][] = [
  ["+1 min", 60],
  ["+10 min", 600],
  ["+1 h", 3_600],
  ["+25 h", 90_000],
];

function Clock({ world }: { world: World }) {
  const act = useAct();
  const now = useWorldTime(world) ?? world.now;
  return (
    <section className="control" aria-labelledby="clock-title">
      <h3 id="clock-title">Clock</h3>
      <p className="clock">
        <strong>{preciseTime(now)}</strong> {dayOf(now)}
        <span>{moved(world.offset)}</span>
      </p>
      <div className="button-row" role="group" aria-label="Move the clock forward">
        {JUMPS.map(([label, forward]) => (
          <button
            key={label}
            type="button"
            className="button"
            onClick={() => void act("clock", { forward })}
          >
            {label}
          </button>
        ))}
      </div>
      <p className="help">
        Waiting times grow, and reminders are sent. After +25 h, WhatsApp's 24-hour window has closed.
      </p>
    </section>
  );
}

function moved(offset: number): string {
  return offset ? `Moved forward by ${lengthOf(offset)}` : "The real time";
}

function Scripts({ scripts }: { scripts: Script[] }) {
  const act = useAct();
  return (
    <section className="control" aria-labelledby="scripts-title">
      <h3 id="scripts-title">Scripted customers</h3>
      <ul className="rows">
        {scripts.map(({ name, label, help, running }) => (
          <li key={name} className="row">
            <div>
              <strong>{label}</strong>
              <p className="help" id={`script-${name}`}>
                {help}
              </p>
            </div>
            <button
              type="button"
              className="button"
              disabled={running}
              aria-describedby={`script-${name}`}
              onClick={() => void act("script", { name })}
            >
              {running ? "Running…" : "Start"}
              <span className="unseen"> {label}</span>
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}

function Faults({ faults }: { faults: FaultSwitch[] }) {
  return (
    <section className="control" aria-labelledby="faults-title">
      <h3 id="faults-title">Faults</h3>
      <ul className="rows">
        {faults.map((fault) => (
          <Fault key={fault.name} fault={fault} />
        ))}
      </ul>
    </section>
  );
}

/** Shows the requested state at once, and the real one when it is known. */
function Fault({ fault: { name, label, help, on } }: { fault: FaultSwitch }) {
  const act = useAct();
  const [wanted, setWanted] = useState<boolean>();
  useEffect(() => setWanted(undefined), [on]);
  const turn = async (next: boolean) => {
    setWanted(next);
    const done = await act("fault", { name, on: next });
    if (!done.ok) setWanted(undefined);
  };
  return (
    <li className="row">
      <div>
        <label htmlFor={`fault-${name}-switch`}>
          <strong>{label}</strong>
        </label>
        <p className="help" id={`fault-${name}`}>
          {help}
        </p>
      </div>
      <input
        type="checkbox"
        role="switch"
        id={`fault-${name}-switch`}
        checked={wanted ?? on}
        aria-describedby={`fault-${name}`}
        onChange={(event) => void turn(event.target.checked)}
      />
    </li>
  );
}

function BotSwitch({ bot }: { bot: World["bot"] }) {
  const act = useAct();
  return (
    <section className="control" aria-labelledby="bot-title">
      <h3 id="bot-title">The bot</h3>
      <p className="help">
        A real process at <span className="address">{bot.url}</span>. Kill it in the middle of
        something and start it again: nothing is lost, and nothing is sent twice.
      </p>
      <div className="button-row">
        <button
          type="button"
          className="button button-danger"
          disabled={bot.state === "down"}
          onClick={() => void act("bot.kill", {})}
        >
          Kill the bot
        </button>
        <button
          type="button"
          className="button"
          disabled={bot.state !== "down"}
          onClick={() => void act("bot.start", {})}
        >
          Start the bot
        </button>
      </div>
    </section>
  );
}

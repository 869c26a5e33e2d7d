/** The top of the page: the title, the sandbox's state, and the views. */

import type { RefObject } from "react";
import type { World } from "../api";
import { useConnected, useValue } from "../store";
import { Icon } from "./Icon";
import { clockTime, dayOf, lengthOf, useWorldTime } from "./time";
import type { Theme } from "./theme";

interface Props {
  theme: Theme;
  onTheme: () => void;
  hint: boolean;
  onHint: () => void;
  drawer: boolean;
  /** None where the tab bar shows it. */
  onDrawer?: () => void;
  hintButton: RefObject<HTMLButtonElement | null>;
  drawerButton: RefObject<HTMLButtonElement | null>;
}

/** The banner. */
export function Header(props: Props) {
  return (
    <header className="header">
      <h1>
        <span className="logo" aria-hidden="true" />
        Handoff <span className="h1-rest">sandbox</span>
      </h1>
      <StateLine />
      <Buttons {...props} />
    </header>
  );
}

function Buttons(props: Props) {
  const { theme, onTheme, hint, onHint, drawer, onDrawer, hintButton, drawerButton } = props;
  const isDark = theme === "dark";
  return (
    <div className="header-buttons">
      {onDrawer && (
        <button
          ref={drawerButton}
          type="button"
          className="button"
          aria-expanded={drawer}
          aria-controls="backstage"
          onClick={onDrawer}
        >
          <Icon name="backstage" />
          Behind the scenes
        </button>
      )}
      <button type="button" className="icon-button" aria-pressed={isDark} onClick={onTheme}>
        <Icon name={isDark ? "sun" : "moon"} />
        <span className="unseen">Dark theme</span>
      </button>
      <button
        ref={hintButton}
        type="button"
        className="icon-button"
        aria-expanded={hint}
        onClick={onHint}
      >
        <Icon name="question" />
        <span className="unseen">How to try it</span>
      </button>
    </div>
  );
}

const WORDS = { up: "The bot is up", starting: "The bot is starting…", down: "The bot is down" };

function StateLine() {
  const world = useValue<World>("world");
  const connected = useConnected();
  const now = useWorldTime(world);
  const state = connected && world ? world.bot.state : "lost";
  return (
    <div className="state-line">
      <p role="status" className="state" data-state={state}>
        {state === "lost" ? lost(world) : WORDS[state]}
      </p>
      {world && now !== undefined && (
        <p className="state-time">
          <span className="unseen">Sandbox time: </span>
          {dayOf(now)}, {clockTime(now)}
          {world.offset > 0 && <em> (+{lengthOf(world.offset)})</em>}
        </p>
      )}
    </div>
  );
}

function lost(world: World | undefined): string {
  return world ? "Connection lost, trying again…" : "Connecting…";
}

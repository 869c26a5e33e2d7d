/** Tabs as the keyboard knows them: arrows move, Home and End jump. */

import { type KeyboardEvent, useRef } from "react";
import { Icon, type IconName } from "./Icon";

export interface Tab<Name extends string> {
  name: Name;
  label: string;
  icon?: IconName;
  /** The number of unread items. */
  unread?: number;
}

interface Props<Name extends string> {
  label: string;
  tabs: Tab<Name>[];
  chosen: Name;
  onChoose: (name: Name) => void;
  /** Prefix of the ids; the panel of a tab has the id `<prefix>-<name>`. */
  prefix: string;
}

const STEPS: Record<string, (at: number, count: number) => number> = {
  ArrowRight: (at, count) => (at + 1) % count,
  ArrowLeft: (at, count) => (at + count - 1) % count,
  Home: () => 0,
  End: (_, count) => count - 1,
};

/** A row of tabs. */
export function Tabs<Name extends string>({ label, tabs, chosen, onChoose, prefix }: Props<Name>) {
  const row = useRef<HTMLDivElement>(null);
  const move = (event: KeyboardEvent) => {
    const step = STEPS[event.key];
    const next = step && tabs[step(tabs.findIndex((tab) => tab.name === chosen), tabs.length)];
    if (!next) return;
    event.preventDefault();
    onChoose(next.name);
    row.current?.querySelector<HTMLElement>(`#${prefix}-${next.name}-tab`)?.focus();
  };
  return (
    <div className="tabs" role="tablist" aria-label={label} ref={row} onKeyDown={move}>
      {tabs.map((tab) => (
        <button
          key={tab.name}
          type="button"
          role="tab"
          className="tab"
          id={`${prefix}-${tab.name}-tab`}
          aria-selected={tab.name === chosen}
          aria-controls={`${prefix}-${tab.name}`}
          tabIndex={tab.name === chosen ? 0 : -1}
          onClick={() => onChoose(tab.name)}
        >
          {tab.icon && <Icon name={tab.icon} />}
          {tab.label}
          <Badge count={tab.unread ?? 0} />
        </button>
      ))}
    </div>
  );
}

/** The number of unread items; nothing for none. */
export function Badge({ count }: { count: number }) {
  if (!count) return null;
  return (
    <span className="badge">
      {count > 99 ? "99+" : count}
      <span className="unseen"> unread</span>
    </span>
  );
}

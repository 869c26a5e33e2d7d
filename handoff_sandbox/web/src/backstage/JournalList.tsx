/** The rows of the journal, newest last; each opens. */

import { memo, useEffect, useLayoutEffect, useRef, useState } from "react";
import type { JournalEntry } from "../api";
import { preciseTime } from "../shell/time";
import { serviceName } from "./filter";

interface Props {
  entries: JournalEntry[];
  follow: boolean;
  onFollow: (follow: boolean) => void;
}

/** Tolerance in pixels for being at the end. */
const NEAR_PX = 24;

/** Stays at the end while it follows; scrolling up or opening an entry stops that. */
export function JournalList({ entries, follow, onFollow }: Props) {
  const list = useRef<HTMLOListElement>(null);
  const newest = entries.at(-1)?.number;
  useLayoutEffect(() => {
    if (follow && list.current) list.current.scrollTop = list.current.scrollHeight;
  }, [follow, newest]);
  const onScroll = () => {
    const { scrollTop, clientHeight, scrollHeight } = list.current!;
    const atEnd = scrollHeight - scrollTop - clientHeight < NEAR_PX;
    const isReading = list.current!.querySelector("[aria-expanded=true]") !== null;
    if (follow && !atEnd) onFollow(false);
    if (!follow && atEnd && !isReading) onFollow(true);
  };
  return (
    <ol className="journal-list" ref={list} tabIndex={0} aria-label="Exchanges" onScroll={onScroll}>
      {entries.map((entry) => (
        <JournalRow key={entry.number} entry={entry} onFollow={onFollow} />
      ))}
    </ol>
  );
}

interface RowProps {
  entry: JournalEntry;
  onFollow: Props["onFollow"];
}

const JournalRow = memo(function JournalRow({ entry, onFollow }: RowProps) {
  const [open, setOpen] = useState(false);
  const detail = `entry-${entry.number}`;
  const body = useRef<HTMLDivElement>(null);
  const toggle = () => {
    setOpen(!open);
    // An open entry must not scroll away.
    if (!open) onFollow(false);
  };
  useEffect(() => {
    if (open) body.current!.scrollIntoView({ block: "nearest" });
  }, [open]);
  return (
    <li className="journal-row" data-kind={kindOf(entry.status)}>
      <button
        type="button"
        aria-expanded={open}
        aria-controls={open ? detail : undefined}
        onClick={toggle}
      >
        <time dateTime={new Date(entry.at * 1000).toISOString()}>{preciseTime(entry.at)}</time>
        <span className="journal-way" data-who={entry.who}>
          {way(entry)}
        </span>
        <span className="journal-path">
          <b>{entry.method}</b> {entry.path}
        </span>
        <span className="journal-status">{entry.status || "no answer"}</span>
      </button>
      {open && (
        <div className="journal-detail" id={detail} ref={body}>
          <Body title="Request" body={entry.request} />
          <Body title="Response" body={entry.response} />
        </div>
      )}
    </li>
  );
});

function way({ who, direction }: JournalEntry): string {
  const name = serviceName(who);
  return direction === "in" ? `bot → ${name}` : `${name} → bot`;
}

function kindOf(status: number): "good" | "refused" | "broken" {
  if (status === 0 || status >= 500) return "broken";
  return status >= 400 ? "refused" : "good";
}

function Body({ title, body }: { title: string; body: unknown }) {
  const text = typeof body === "string" ? body : JSON.stringify(body, null, 2);
  return (
    <figure>
      <figcaption>{title}</figcaption>
      <pre tabIndex={0} aria-label={title}>
        {text || "(empty)"}
      </pre>
    </figure>
  );
}

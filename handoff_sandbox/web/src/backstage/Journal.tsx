/** The journal: every request between the bot and the stand-ins. */

import { useDeferredValue, useMemo, useState } from "react";
import type { Phone, World } from "../api";
import { useValue } from "../store";
import { EVERYTHING, type Filter, conversations, everyone, filtered } from "./filter";
import { JournalList } from "./JournalList";
import { KEPT, type Reading, useJournal } from "./useJournal";

/** Rows that are rendered; more would make the page slow. */
const SHOWN = 300;

const NO_PHONES: Phone[] = [];

/** The list with its filters. `wanted`: whether it is on the screen. */
export function Journal({ wanted }: { wanted: boolean }) {
  const reading = useJournal(wanted);
  const [filter, setFilter] = useState(EVERYTHING);
  const [follow, setFollow] = useState(true);
  const asked = useDeferredValue(filter);
  const fitting = useMemo(() => filtered(reading.entries, asked), [reading.entries, asked]);
  const shown = fitting.slice(-SHOWN);
  return (
    <section className="journal" aria-labelledby="journal-title">
      <div className="journal-head">
        <h3 id="journal-title">Journal</h3>
        <Filters reading={reading} filter={filter} onFilter={setFilter} />
        <label className="check">
          <input
            type="checkbox"
            checked={follow}
            onChange={(event) => setFollow(event.target.checked)}
          />
          Follow
        </label>
      </div>
      <p className="journal-note">{noteOn(reading, fitting.length)}</p>
      <JournalList entries={shown} follow={follow} onFollow={setFollow} />
    </section>
  );
}

function noteOn({ entries, total }: Reading, fitting: number): string {
  if (!total) return "No requests yet. Write as a customer, and the traffic appears here.";
  const parts = [`${fitting.toLocaleString()} of ${total.toLocaleString()} exchanges`];
  if (fitting > SHOWN) parts.push(`the newest ${SHOWN} are drawn`);
  if (total > entries.length) parts.push(`the newest ${KEPT.toLocaleString()} are searched`);
  return parts.join("; ");
}

interface FiltersProps {
  reading: Reading;
  filter: Filter;
  onFilter: (filter: Filter) => void;
}

function Filters({ reading, filter, onFilter }: FiltersProps) {
  const phones = useValue<Phone[]>("phones") ?? NO_PHONES;
  const { entries } = reading;
  const { sms = "", whatsapp = "" } = useValue<World>("world")?.numbers ?? {};
  const abouts = useMemo(
    () => conversations(entries, phones, [sms, whatsapp]),
    [entries, phones, sms, whatsapp],
  );
  const whos = useMemo(() => everyone(entries), [entries]);
  const set = (part: Partial<Filter>) => onFilter({ ...filter, ...part });
  return (
    <div className="filters" role="search" aria-label="Journal">
      <Pick
        label="Conversation"
        all="All conversations"
        value={filter.about}
        options={abouts}
        onPick={(about) => set({ about })}
      />
      <Pick
        label="Service"
        all="All services"
        value={filter.who}
        options={whos}
        onPick={(who) => set({ who })}
      />
      <input
        type="search"
        aria-label="Search the journal"
        placeholder="Search"
        value={filter.text}
        onChange={(event) => set({ text: event.target.value })}
      />
    </div>
  );
}

interface PickProps {
  label: string;
  all: string;
  value: string;
  options: [value: string, title: string][];
  onPick: (value: string) => void;
}

function Pick({ label, all, value, options, onPick }: PickProps) {
  return (
    <select aria-label={label} value={value} onChange={(event) => onPick(event.target.value)}>
      <option value="">{all}</option>
      {options.map(([option, title]) => (
        <option key={option} value={option}>
          {title}
        </option>
      ))}
    </select>
  );
}

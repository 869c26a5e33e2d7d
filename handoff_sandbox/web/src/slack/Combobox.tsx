/** A menu with search: choices as chips, a text field, and matching options below. */

import { type KeyboardEvent, useId, useState } from "react";
import type { Group, Option } from "./elements";
import { useFitting, type Search } from "./fitting";
import { withEmoji } from "./words";

interface Props {
  id?: string | undefined;
  /** Its accessible name, where no label points to it. */
  label?: string | undefined;
  placeholder: string;
  isMany: boolean;
  most?: number | undefined;
  chosen: string[];
  /** Known names of the chosen options. */
  known: Option[];
  search: Search;
  isRequired?: boolean;
  isInvalid?: boolean;
  describedBy?: string | undefined;
  onChange: (chosen: string[]) => void;
}

export function Combobox(props: Props) {
  const { isMany, chosen, onChange } = props;
  const [typed, setTyped] = useState("");
  const [isOpen, setOpen] = useState(false);
  const [at, setAt] = useState(0);
  const list = useId();
  const { groups, note, seen } = useFitting(props.search, typed, isOpen);
  const options = groups.flatMap((group) => group.options);
  const isFull = isMany && props.most !== undefined && chosen.length >= props.most;

  const toggle = (value: string) => {
    const without = chosen.filter((one) => one !== value);
    const isNew = without.length === chosen.length;
    if (isNew && isFull) return;
    onChange(isNew ? (isMany ? [...chosen, value] : [value]) : isMany ? without : chosen);
    setTyped("");
    if (!isMany) setOpen(false);
  };
  const type = (words: string) => {
    setTyped(words);
    setOpen(true);
    setAt(0);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const done = keys({ event, at, options, isOpen, typed, chosen, setAt, setOpen, toggle, onChange });
    if (done) event.preventDefault();
  };
  const nameOf = (value: string) =>
    [...options, ...seen, ...props.known].find((one) => one.value === value)?.text.text ?? value;
  const active = isOpen && options[at] ? `${list}-${at}` : undefined;
  return (
    <div
      className="sl-combobox"
      onBlur={(event) => event.currentTarget.contains(event.relatedTarget) || setOpen(false)}
    >
      <Chips chosen={chosen} nameOf={nameOf} onRemove={(value) => onChange(chosen.filter((one) => one !== value))} />
      <input
        id={props.id}
        type="text"
        role="combobox"
        autoComplete="off"
        aria-label={props.label}
        aria-expanded={isOpen}
        aria-controls={list}
        aria-autocomplete="list"
        aria-activedescendant={active}
        aria-invalid={props.isInvalid || undefined}
        aria-required={props.isRequired || undefined}
        aria-describedby={props.describedBy}
        placeholder={props.placeholder}
        value={typed}
        onChange={(event) => type(event.target.value)}
        onClick={() => setOpen(true)}
        onKeyDown={onKeyDown}
      />
      <div id={list} role="listbox" aria-label="Options" aria-multiselectable={isMany} className="sl-options" hidden={!isOpen || !options.length}>
        <Options list={list} groups={groups} at={at} chosen={chosen} onChoose={toggle} />
      </div>
      <p className="sl-only" role="status">
        {isOpen && (isFull ? `You can choose at most ${props.most}.` : note)}
      </p>
    </div>
  );
}

interface Keys {
  event: KeyboardEvent;
  at: number;
  options: Option[];
  isOpen: boolean;
  typed: string;
  chosen: string[];
  setAt: (at: number) => void;
  setOpen: (isOpen: boolean) => void;
  toggle: (value: string) => void;
  onChange: (chosen: string[]) => void;
}

/** Handles a key; returns whether it had an effect. */
function keys({ event, at, options, isOpen, typed, chosen, setAt, setOpen, toggle, onChange }: Keys): boolean {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (step) {
    setOpen(true);
    if (isOpen && options.length) setAt((at + step + options.length) % options.length);
    return true;
  }
  if (event.key === "Enter") {
    const option = options[at];
    if (isOpen && option) toggle(option.value);
    return true; // it must not send the window
  }
  if (event.key === "Escape" && isOpen) {
    setOpen(false);
    return true;
  }
  if (event.key === "Backspace" && !typed && chosen.length) {
    onChange(chosen.slice(0, -1));
    return true;
  }
  return false;
}

interface ChipsProps {
  chosen: string[];
  nameOf: (value: string) => string;
  onRemove: (value: string) => void;
}

function Chips({ chosen, nameOf, onRemove }: ChipsProps) {
  if (!chosen.length) return null;
  return (
    <ul className="sl-chips" aria-label="Chosen">
      {chosen.map((value) => (
        <li key={value}>
          {withEmoji(nameOf(value))}
          <button type="button" aria-label={`Remove ${nameOf(value)}`} onClick={() => onRemove(value)}>
            <span aria-hidden="true">✕</span>
          </button>
        </li>
      ))}
    </ul>
  );
}

interface OptionsProps {
  list: string;
  groups: Group[];
  at: number;
  chosen: string[];
  onChoose: (value: string) => void;
}

function Options({ list, groups, at, chosen, onChoose }: OptionsProps) {
  let number = 0;
  return groups.map((group, place) => {
    const options = group.options.map((one) => {
      const mine = number++;
      return (
        <div
          key={one.value}
          id={`${list}-${mine}`}
          ref={(element) => (mine === at ? element?.scrollIntoView({ block: "nearest" }) : undefined)}
          role="option"
          aria-selected={chosen.includes(one.value)}
          className={mine === at ? "sl-at" : ""}
          onPointerDown={(event) => event.preventDefault()}
          onClick={() => onChoose(one.value)}
        >
          {withEmoji(one.text.text)}
          {one.description && <span className="sl-only">{withEmoji(one.description.text)}</span>}
        </div>
      );
    });
    if (!group.label) return options;
    return (
      <div key={`${group.label}${place}`} role="group" aria-label={group.label}>
        <p className="sl-only" aria-hidden="true">
          {group.label}
        </p>
        {options}
      </div>
    );
  });
}

/** The customers: the current phone, and a form for a new customer. */

import { type FormEvent, type KeyboardEvent, useRef, useState } from "react";
import type { Phone } from "../api";
import { Icon } from "../shell/Icon";
import { Badge } from "../shell/Tabs";
import { useAct } from "../shell/trouble";
import { APPS, type Choice, nameOf } from "./choice";

/** All customers in a row; choosing one shows their phone. */
export function People({ choice }: { choice: Choice }) {
  const [adding, setAdding] = useState(false);
  const addButton = useRef<HTMLButtonElement>(null);
  const done = () => {
    setAdding(false);
    addButton.current?.focus();
  };
  return (
    <div className="people">
      <ul className="people-row" aria-label="Customers">
        {choice.phones.map((phone) => (
          <li key={phone.address}>
            <PersonButton phone={phone} choice={choice} />
          </li>
        ))}
        <li>
          <button
            ref={addButton}
            type="button"
            className="person"
            aria-expanded={adding}
            onClick={() => setAdding(!adding)}
          >
            <span className="face face-new">
              <Icon name="plus" />
            </span>
            <span className="person-name">
              Add<span className="unseen"> a customer</span>
            </span>
          </button>
        </li>
      </ul>
      {adding && <NewCustomer onAdded={choice.take} onDone={done} />}
    </div>
  );
}

function PersonButton({ phone, choice }: { phone: Phone; choice: Choice }) {
  const unread = APPS.reduce((sum, app) => sum + choice.unread(app, phone.address), 0);
  const name = nameOf(phone);
  return (
    <button
      type="button"
      className="person"
      title={`${name} ${phone.address}`}
      aria-pressed={phone === choice.phone}
      onClick={() => choice.take(phone.address)}
    >
      <Face name={name} />
      <bdi className="person-name">{name}</bdi>
      <Badge count={unread} />
    </button>
  );
}

const COLOURS = 6;

/** An avatar with the first letter of a name, in a colour derived from the name. */
export function Face({ name }: { name: string }) {
  let sum = 0;
  for (const letter of name) sum += letter.codePointAt(0) ?? 0;
  const first = [...name.replace(/^\+/, "")][0] ?? "?";
  return (
    <span className="face" data-colour={sum % COLOURS} aria-hidden="true">
      {first.toUpperCase()}
    </span>
  );
}

interface NewProps {
  onAdded: (address: string) => void;
  onDone: () => void;
}

function NewCustomer({ onAdded, onDone }: NewProps) {
  const [name, setName] = useState("");
  const act = useAct();
  const add = async (event: FormEvent) => {
    event.preventDefault();
    const done = await act("phone.add", { name: name.trim() });
    if (!done.ok) return;
    if (typeof done.result.address === "string") onAdded(done.result.address);
    onDone();
  };
  const onKeyDown = (event: KeyboardEvent) => event.key === "Escape" && onDone();
  return (
    <form className="new-customer" aria-label="New customer" onSubmit={add} onKeyDown={onKeyDown}>
      <label>
        Name
        <input
          value={name}
          maxLength={60}
          required
          autoFocus
          onChange={(event) => setName(event.target.value)}
        />
      </label>
      <button type="submit" className="button button-strong" disabled={!name.trim()}>
        Add
      </button>
      <button type="button" className="button" onClick={onDone}>
        Cancel
      </button>
    </form>
  );
}

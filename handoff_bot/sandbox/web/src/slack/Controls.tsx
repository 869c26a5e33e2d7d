/** Buttons and menus that act: what the library draws dead is drawn here alive. */

import type { SlackBlock } from "../api";
import { useScene } from "./people";
import { type Confirmation, useConfirm, useSurface } from "./surface";

export interface Option {
  text: { text: string };
  value: string;
}

/** An interactive element of Block Kit, as far as it is used here. */
export interface Element {
  type: string;
  action_id: string;
  text?: { text: string };
  value?: string;
  style?: "primary" | "danger";
  accessibility_label?: string;
  confirm?: Confirmation;
  options?: Option[];
  option_groups?: { label: { text: string }; options: Option[] }[];
  placeholder?: { text: string };
  url?: string;
  multiline?: boolean;
  min_length?: number;
  max_length?: number;
  initial_value?: string;
  initial_option?: Option;
  initial_options?: Option[];
  initial_user?: string;
  initial_users?: string[];
  initial_conversation?: string;
  initial_channel?: string;
  initial_date?: string;
  initial_time?: string;
  is_decimal_allowed?: boolean;
}

/** Does this element do something when it is used? */
export function isInteractive(element: unknown): element is Element {
  const type = (element as Element | undefined)?.type ?? "";
  return Boolean((element as Element | undefined)?.action_id) && type !== "image";
}

/** One element that acts at once. */
export function Control({ element }: { element: Element }) {
  if (element.type === "button") return <Button element={element} />;
  if (element.type === "checkboxes") return <Checkboxes element={element} />;
  return <Menu element={element} />;
}

function Button({ element }: { element: Element }) {
  const surface = useSurface();
  const [guard, dialog] = useConfirm();
  const label = element.text?.text ?? "";
  const press = () => guard(element.confirm, () => void surface.click(element.action_id, element.value));
  const look = element.style === "primary" ? " sl-primary" : element.style === "danger" ? " sl-danger" : "";
  return (
    <>
      <button
        type="button"
        className={`button${look}`}
        aria-label={element.accessibility_label}
        title={element.accessibility_label}
        data-action={element.action_id}
        onClick={press}
      >
        {label}
      </button>
      {dialog}
    </>
  );
}

/** All choices of a menu: its own options, or people and slack_channels. */
export function useChoices(element: Element): Option[] {
  const { people, channels } = useScene();
  const named = (id: string, text: string): Option => ({ text: { text }, value: id });
  if (element.type.includes("users")) {
    return people.filter((one) => !one.is_bot).map((one) => named(one.id, one.real_name));
  }
  if (element.type.includes("conversations") || element.type.includes("channels")) {
    return channels.filter((one) => !one.is_im).map((one) => named(one.id, `#${one.name}`));
  }
  return [...(element.options ?? []), ...(element.option_groups ?? []).flatMap((one) => one.options)];
}

/** Which choice a menu begins with, "" for none. */
export function initialChoice(element: Element): string {
  const { initial_option, initial_user, initial_conversation, initial_channel } = element;
  return initial_option?.value ?? initial_user ?? initial_conversation ?? initial_channel ?? "";
}

function Menu({ element }: { element: Element }) {
  const surface = useSurface();
  const [guard, dialog] = useConfirm();
  const choices = useChoices(element);
  const isOverflow = element.type === "overflow";
  const label = isOverflow ? "More actions" : (element.placeholder?.text ?? "Choose");
  const choose = (choice: string) => {
    if (choice) guard(element.confirm, () => void surface.select(element.action_id, choice));
  };
  return (
    <>
      <select
        className={`sl-select${isOverflow ? " sl-overflow" : ""}`}
        aria-label={label}
        value={isOverflow ? "" : initialChoice(element)}
        onChange={(event) => choose(event.target.value)}
      >
        <option value="">{isOverflow ? "⋯" : label}</option>
        {choices.map((one) => (
          <option key={one.value} value={one.value}>
            {one.text.text}
          </option>
        ))}
      </select>
      {dialog}
    </>
  );
}

function Checkboxes({ element }: { element: Element }) {
  const surface = useSurface();
  const chosen = new Set((element.initial_options ?? []).map((one) => one.value));
  const toggle = (value: string) => {
    const next = new Set(chosen);
    if (!next.delete(value)) next.add(value);
    void surface.select(element.action_id, [...next]);
  };
  return (
    <span>
      {(element.options ?? []).map((one) => (
        <label key={one.value} className="sl-choice">
          <input type="checkbox" checked={chosen.has(one.value)} onChange={() => toggle(one.value)} />
          {one.text.text}
        </label>
      ))}
    </span>
  );
}

/** The elements of a block of actions. */
export function elementsOf(block: SlackBlock): Element[] {
  return ((block.elements as unknown[]) ?? []).filter(isInteractive);
}

/** The interactive elements of Block Kit: types, values and options. */

import type { SlackBlock, SlackChannel } from "../api";
import type { Scene } from "./people";
import type { Confirmation } from "./surface";

export interface Words {
  text: string;
}

export interface Option {
  text: Words;
  value: string;
  description?: Words;
  url?: string;
}

/** Options with or without a heading. */
export interface Group {
  label: string;
  options: Option[];
}

/** An interactive element of Block Kit, with the fields used here. */
export interface Element {
  type: string;
  action_id: string;
  text?: Words;
  value?: string;
  style?: "primary" | "danger";
  accessibility_label?: string;
  visible_to_user_ids?: string[];
  confirm?: Confirmation;
  options?: Option[];
  option_groups?: { label: Words; options: Option[] }[];
  placeholder?: Words;
  url?: string;
  multiline?: boolean;
  min_length?: number;
  max_length?: number;
  min_query_length?: number;
  max_selected_items?: number;
  max_files?: number;
  filetypes?: string[];
  filter?: { include?: string[]; exclude_bot_users?: boolean };
  is_decimal_allowed?: boolean;
  min_value?: string;
  max_value?: string;
  dispatch_action_config?: { trigger_actions_on?: string[] };
  focus_on_load?: boolean;
  [initial: `initial_${string}`]: unknown;
}

/** An element's value in the format of Slack's payloads. */
export type Held = Record<string, unknown>;

/** A value: a text, a number, or a list; null for none. */
export type Choice = unknown;

/** Whether this element acts when it is used. */
export function isInteractive(element: unknown): element is Element {
  const type = (element as Element | undefined)?.type ?? "";
  return Boolean((element as Element | undefined)?.action_id) && type !== "image";
}

/** The elements of an actions block. */
export function elementsOf(block: SlackBlock, me: string): Element[] {
  const all = ((block.elements as unknown[]) ?? []).filter(isInteractive);
  return all.filter((one) => one.visible_to_user_ids?.includes(me) ?? true);
}

/** Whether several options can be chosen. */
export function isMany(element: Element): boolean {
  return element.type.startsWith("multi_") || element.type === "checkboxes";
}

/** Whether the bot suggests its options. */
export function isExternal(element: Element): boolean {
  return element.type.endsWith("external_select");
}

/** The current value of an element: its state, else its initial value. */
export function choiceIn(element: Element, held: Held | undefined): Choice {
  return held?.type === element.type ? ofHeld(held) : ofInitial(element);
}

function ofHeld(held: Held): Choice {
  if (held.selected_option !== undefined) return (held.selected_option as Option | null)?.value ?? null;
  if (held.selected_options) return (held.selected_options as Option[]).map((one) => one.value);
  const [, value] = Object.entries(held).find(([name]) => name !== "type") ?? [];
  return value ?? null;
}

function ofInitial(element: Element): Choice {
  const { initial_option, initial_options } = element;
  if (initial_option) return (initial_option as Option).value;
  if (initial_options) return (initial_options as Option[]).map((one) => one.value);
  const found = Object.entries(element).find(([name]) => name.startsWith("initial_"));
  return found?.[1] ?? null;
}

/** Options that were chosen before: an external menu has no other names for them. */
export function optionsIn(element: Element, held: Held | undefined): Option[] {
  const chosen = [held?.selected_option, element.initial_option] as (Option | null | undefined)[];
  const many = [held?.selected_options, element.initial_options] as (Option[] | undefined)[];
  return [...chosen, ...many.flatMap((some) => some ?? [])].filter((one) => one != null);
}

/** Whether a value is empty. */
export function isEmpty(choice: Choice): boolean {
  return choice == null || choice === "" || (Array.isArray(choice) && choice.length === 0);
}

/** All options of a menu: its own, or people and slack_channels. */
export function groupsOf(element: Element, scene: Scene): Group[] {
  const named = (value: string, text: string): Option => ({ text: { text }, value });
  if (element.type.includes("users")) {
    const people = scene.people.filter((one) => !one.is_bot && !one.deleted);
    return [{ label: "", options: people.map((one) => named(one.id, one.real_name)) }];
  }
  if (/channels|conversations/.test(element.type)) {
    const places = scene.channels.filter((one) => isShown(one, element, scene.me));
    const name = (one: SlackChannel) => (one.is_im ? "Handoff (direct messages)" : `#${one.name}`);
    return [{ label: "", options: places.map((one) => named(one.id, name(one))) }];
  }
  const groups = element.option_groups?.map((one) => ({ label: one.label.text, options: one.options }));
  return groups ?? [{ label: "", options: element.options ?? [] }];
}

/** Whether a menu of slack_channels or conversations offers this one; the same rule as in the stand-in. */
function isShown(one: SlackChannel, element: Element, me: string): boolean {
  const isPublic = !one.is_private && !one.is_im;
  const isMine = one.is_im ? one.user === me : one.members.includes(me);
  if (one.is_archived || (!isPublic && !isMine)) return false;
  if (element.type.includes("channels")) return isPublic;
  if (one.is_im && element.filter?.exclude_bot_users) return false;
  const kind = one.is_im ? "im" : one.is_private ? "private" : "public";
  return element.filter?.include?.includes(kind) ?? true;
}

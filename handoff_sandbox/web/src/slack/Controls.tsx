/** Buttons and menus that act at once. The library renders them without behaviour. */

import { useEffect, useRef, useState } from "react";
import { type Choice, choiceIn, type Element, isEmpty } from "./elements";
import { Field } from "./Field";
import { useGo } from "./links";
import { MenuButton } from "./Menu";
import { useConfirm, useSurface } from "./surface";
import { withEmoji } from "./words";

interface Props {
  element: Element;
  block: string;
}

/** One element that acts at once. */
export function Control({ element, block }: Props) {
  if (element.type === "button") return <Button element={element} />;
  if (element.type === "overflow") return <Overflow element={element} />;
  return <Acting element={element} block={block} />;
}

function Button({ element }: { element: Element }) {
  const surface = useSurface();
  const go = useGo();
  const [guard, dialog] = useConfirm();
  const press = () =>
    guard(element.confirm, () => {
      if (element.url) go(element.url);
      void surface.click(element.action_id, element.value);
    });
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
        {withEmoji(element.text?.text ?? "")}
      </button>
      {dialog}
    </>
  );
}

function Overflow({ element }: { element: Element }) {
  const surface = useSurface();
  const go = useGo();
  const [guard, dialog] = useConfirm();
  const items = (element.options ?? []).map((one) => ({
    key: one.value,
    label: withEmoji(one.text.text),
    help: one.description?.text,
    onChoose: () =>
      guard(element.confirm, () => {
        if (one.url) go(one.url);
        void surface.select(element.action_id, one.value);
      }),
  }));
  return (
    <>
      <MenuButton label="More options" face={<span aria-hidden="true">⋯</span>} items={items} />
      {dialog}
    </>
  );
}

/** A date is typed in parts, and each part would be reported. */
const PAUSES_MS: Record<string, number> = { datepicker: 900, timepicker: 900, datetimepicker: 900 };

/** A menu that reports its choice at once, and keeps it. */
function Acting({ element, block }: Props) {
  const surface = useSurface();
  const [guard, dialog] = useConfirm();
  const held = surface.held(block, element.action_id);
  const [choice, setChoice] = useFollowing(choiceIn(element, held));
  const timer = useRef(0);
  useEffect(() => () => clearTimeout(timer.current), []);
  const change = (next: Choice) => {
    clearTimeout(timer.current);
    if (isEmpty(next) && !Array.isArray(next)) return;
    const tell = () => void surface.select(element.action_id, next);
    guard(element.confirm, () => {
      setChoice(next);
      const pause = PAUSES_MS[element.type];
      if (pause) timer.current = window.setTimeout(tell, pause);
      else tell();
    });
  };
  const label = element.placeholder?.text ?? NAMES[element.type] ?? "Choose";
  return (
    <span className="sl-acting" data-action={element.action_id}>
      <Field label={withEmoji(label)} element={element} value={choice} held={held} onChange={change} />
      {dialog}
    </span>
  );
}

const NAMES: Record<string, string> = {
  datepicker: "Date",
  timepicker: "Time",
  datetimepicker: "Date and time",
  checkboxes: "Options",
  radio_buttons: "Options",
};

/** State that follows an external value, and may run ahead of it. */
function useFollowing(known: Choice): [Choice, (next: Choice) => void] {
  const words = JSON.stringify(known);
  const [state, setState] = useState({ words, choice: known });
  if (state.words !== words) setState({ words, choice: known });
  const choice = state.words === words ? state.choice : known;
  return [choice, (next) => setState({ words, choice: next })];
}

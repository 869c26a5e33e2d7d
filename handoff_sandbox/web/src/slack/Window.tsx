/** A modal of the app: its blocks, fields, and errors. */

import { type KeyboardEvent, useEffect, useMemo, useRef, useState } from "react";
import type { SlackBlock, SlackView } from "../api";
import { useAct } from "../shell/trouble";
import { Blocks } from "./Blocks";
import { type Choice, choiceIn, type Element, isEmpty } from "./elements";
import { Field } from "./Field";
import { useScene } from "./people";
import { Dialog, heldIn, OnSurface, type Surface } from "./surface";
import { useViewSurface } from "./viewSurface";
import { withEmoji } from "./words";

type Values = Record<string, Choice>;
type Errors = Record<string, string>;

const WRONG = "[data-wrong] :is(input, select, textarea)";
const MISSING = "Please complete this required field.";

interface Props {
  /** The stack of modals, the top one last. */
  stack: SlackView[];
}

/** The top modal. Its input stays when the bot updates it. */
export function Window({ stack }: Props) {
  const view = stack[stack.length - 1] as SlackView;
  const { me } = useScene();
  const act = useAct();
  const [values, setValues] = useState<Values>({});
  const [errors, setErrors] = useState<Errors>({});
  const [tries, setTries] = useState(0);
  const form = useRef<HTMLFormElement>(null);
  useEffect(() => {
    if (tries) form.current?.querySelector<HTMLElement>(WRONG)?.focus();
  }, [tries]);
  const surface = useViewSurface(view, useFilledIn(view, values));
  const close = (and_below: boolean) => void act("slack.close", { user: me, view_id: view.id, and_below });
  const change = (name: string, value: Choice) => {
    setValues((before) => ({ ...before, [name]: value }));
    setErrors(({ [name]: _, ...rest }) => rest);
  };
  const show = (wrong: Errors) => {
    setErrors(wrong);
    setTries((before) => before + 1);
  };
  const submit = async () => {
    const missing = whatIsMissing(view, values);
    if (Object.keys(missing).length) return show(missing);
    const done = await act("slack.submit", { user: me, view_id: view.id, values: filledIn(view, values) });
    if (done.ok) show((done.result.errors as Errors | undefined) ?? {});
  };
  const title = withEmoji(view.title?.text ?? "Window");
  return (
    <Dialog label={title} onCancel={() => close(false)}>
      <form
        ref={form}
        onSubmit={(event) => {
          event.preventDefault();
          void submit();
        }}
      >
        <Head title={title} stack={stack} onClose={close} />
        <OnSurface surface={surface}>
          {view.blocks.map((block, at) => (
            <Part
              key={block.type === "input" ? block.block_id : at}
              view={view}
              block={block}
              values={values}
              error={errors[block.block_id ?? ""]}
              surface={surface}
              onChange={change}
            />
          ))}
        </OnSurface>
        <div className="sl-dialog-foot">
          <button type="button" className="button" onClick={() => close(false)}>
            {withEmoji(view.close?.text ?? "Cancel")}
          </button>
          {view.submit && (
            <button type="submit" className="button button-strong">
              {withEmoji(view.submit.text)}
            </button>
          )}
        </div>
      </form>
    </Dialog>
  );
}

function Head({ title, stack, onClose }: { title: string; stack: SlackView[]; onClose: (andBelow: boolean) => void }) {
  const below = stack[stack.length - 2];
  return (
    <header className="sl-dialog-head">
      {below && (
        <button type="button" className="button" onClick={() => onClose(false)}>
          <span aria-hidden="true">←</span>
          <span className="unseen">Back to {withEmoji(below.title?.text ?? "the window below")}</span>
        </button>
      )}
      <h2>{title}</h2>
      {below && (
        <button type="button" className="button" onClick={() => onClose(true)}>
          <span aria-hidden="true">✕</span>
          <span className="unseen">Close all windows</span>
        </button>
      )}
    </header>
  );
}

/** The input of fields that still exist; null is an empty one. */
function filledIn(view: SlackView, values: Values): Values {
  const there = fieldsOf(view).map((block) => block.block_id ?? "");
  const touched = Object.entries(values).filter(([name]) => there.includes(name));
  return Object.fromEntries(touched.map(([name, value]) => [name, isEmpty(value) ? null : value]));
}

/** The current input for later callbacks. */
function useFilledIn(view: SlackView, values: Values): () => Values {
  const latest = useRef({ view, values });
  latest.current = { view, values };
  return useMemo(() => () => filledIn(latest.current.view, latest.current.values), []);
}

function fieldsOf(view: SlackView): SlackBlock[] {
  return view.blocks.filter((block) => block.type === "input");
}

function valueOf(view: SlackView, block: SlackBlock, values: Values): Choice {
  const name = block.block_id ?? "";
  const element = block.element as Element;
  return name in values ? values[name] : choiceIn(element, heldIn(view.state.values)(name, element.action_id));
}

function whatIsMissing(view: SlackView, values: Values): Errors {
  const empty = fieldsOf(view).filter((block) => !block.optional && isEmpty(valueOf(view, block, values)));
  return Object.fromEntries(empty.map((block) => [block.block_id ?? "", MISSING]));
}

interface PartProps {
  view: SlackView;
  block: SlackBlock;
  values: Values;
  error: string | undefined;
  surface: Surface;
  onChange: (name: string, value: Choice) => void;
}

function Part({ view, block, values, error, surface, onChange }: PartProps) {
  const timer = useRef(0);
  if (block.type !== "input") return <Blocks blocks={[block]} />;
  const element = block.element as Element;
  const name = block.block_id ?? "";
  const id = `${view.id}-${name}`;
  const value = valueOf(view, block, values);
  const hint = (block.hint as { text: string } | undefined)?.text;
  const tell = (next: Choice, pause = 0) => {
    clearTimeout(timer.current);
    timer.current = window.setTimeout(() => void surface.select(element.action_id, isEmpty(next) ? null : next), pause);
  };
  const change = (next: Choice) => {
    onChange(name, next);
    if (block.dispatch_action && isTold(element)) tell(next, PAUSE_MS[element.type] ?? 0);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key !== "Enter" || !block.dispatch_action || !isOneLine(element)) return;
    event.preventDefault();
    tell(value);
  };
  return (
    <div className="sl-field" data-wrong={error ? true : undefined} onKeyDown={onKeyDown}>
      <label htmlFor={id} id={`${id}-label`}>
        {withEmoji((block.label as { text: string }).text)}{" "}
        {block.optional ? <span className="sl-only">(optional)</span> : null}
      </label>
      <Field
        id={id}
        element={element}
        value={value}
        held={heldIn(view.state.values)(name, element.action_id)}
        isOptional={Boolean(block.optional)}
        isInvalid={Boolean(error)}
        describedBy={`${id}-hint ${id}-error`}
        onChange={change}
      />
      <p className="sl-only" id={`${id}-hint`}>
        {hint && withEmoji(hint)}
      </p>
      <p className="sl-error" role="alert" id={`${id}-error`}>
        {error}
      </p>
    </div>
  );
}

/** Text fields would report each letter. */
const PAUSE_MS: Record<string, number> = { plain_text_input: 400, datepicker: 900, timepicker: 900, datetimepicker: 900 };

/** Whether every change is sent to the bot, not only Enter. */
function isTold(element: Element): boolean {
  if (!element.type.endsWith("_input")) return true;
  return element.dispatch_action_config?.trigger_actions_on?.includes("on_character_entered") ?? false;
}

function isOneLine(element: Element): boolean {
  return element.type.endsWith("_input") && !element.multiline;
}

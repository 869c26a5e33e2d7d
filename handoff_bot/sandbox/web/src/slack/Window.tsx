/** A window of the app's: its blocks, fields to fill in, and what was wrong with them. */

import { useState } from "react";
import type { SlackBlock, SlackView } from "../api";
import { useAct } from "../shell/trouble";
import { Blocks } from "./Blocks";
import { type Element, initialChoice, useChoices } from "./Controls";
import { useViewSurface } from "./Home";
import { useScene } from "./people";
import { Dialog, OnSurface } from "./surface";

type Values = Record<string, unknown>;

export function Window({ view }: { view: SlackView }) {
  const { me } = useScene();
  const act = useAct();
  const surface = useViewSurface(view);
  const [values, setValues] = useState<Values>(() => initialValues(view));
  const [errors, setErrors] = useState<Record<string, string>>({});
  const close = () => void act("slack.close", { user: me, view_id: view.id });
  const submit = async () => {
    const given = Object.entries(values).filter(([, value]) => !isEmpty(value));
    const done = await act("slack.submit", { user: me, view_id: view.id, values: Object.fromEntries(given) });
    if (done.ok) setErrors((done.result.errors as Record<string, string> | undefined) ?? {});
  };
  const title = view.title?.text ?? "Window";
  return (
    <Dialog label={title} onCancel={close}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void submit();
        }}
      >
        <h2>{title}</h2>
        <OnSurface surface={surface}>
          {view.blocks.map((block, at) => (
            <Part
              key={block.block_id ?? at}
              block={block}
              values={values}
              error={errors[block.block_id ?? ""]}
              onChange={(name, value) => setValues((before) => ({ ...before, [name]: value }))}
            />
          ))}
        </OnSurface>
        <div className="sl-dialog-foot">
          <button type="button" className="button" onClick={close}>
            {view.close?.text ?? "Cancel"}
          </button>
          {view.submit && (
            <button type="submit" className="button button-strong">
              {view.submit.text}
            </button>
          )}
        </div>
      </form>
    </Dialog>
  );
}

interface PartProps {
  block: SlackBlock;
  values: Values;
  error: string | undefined;
  onChange: (name: string, value: unknown) => void;
}

function Part({ block, values, error, onChange }: PartProps) {
  if (block.type !== "input") return <Blocks blocks={[block]} />;
  const element = block.element as Element;
  const name = block.block_id ?? element.action_id;
  const label = (block.label as { text: string }).text;
  const hint = (block.hint as { text: string } | undefined)?.text;
  return (
    <div className="sl-field">
      <label htmlFor={name}>
        {label} {block.optional ? <span className="sl-only">(optional)</span> : null}
      </label>
      <Field id={name} element={element} value={values[name]} isRequired={!block.optional} onChange={(value) => onChange(name, value)} />
      {hint && <p className="sl-only">{hint}</p>}
      {error && (
        <p className="sl-error" role="alert">
          {error}
        </p>
      )}
    </div>
  );
}

interface FieldProps {
  id: string;
  element: Element;
  value: unknown;
  isRequired: boolean;
  onChange: (value: unknown) => void;
}

const INPUTS: Record<string, string> = {
  plain_text_input: "text",
  number_input: "number",
  email_text_input: "email",
  url_text_input: "url",
  datepicker: "date",
  timepicker: "time",
};

function Field({ id, element, value, isRequired, onChange }: FieldProps) {
  const words = String(value ?? "");
  const common = { id, required: isRequired, placeholder: element.placeholder?.text };
  if (element.type === "plain_text_input" && element.multiline) {
    return (
      <textarea
        {...common}
        rows={4}
        minLength={element.min_length}
        maxLength={element.max_length}
        value={words}
        onChange={(event) => onChange(event.target.value)}
      />
    );
  }
  const type = INPUTS[element.type];
  if (type) {
    return (
      <input
        {...common}
        type={type}
        step={element.is_decimal_allowed ? "any" : undefined}
        minLength={element.min_length}
        maxLength={element.max_length}
        value={words}
        onChange={(event) => onChange(event.target.value)}
      />
    );
  }
  return <Choice id={id} element={element} value={value} isRequired={isRequired} onChange={onChange} />;
}

function Choice({ id, element, value, isRequired, onChange }: FieldProps) {
  const choices = useChoices(element);
  const many = element.type.startsWith("multi_") || element.type === "checkboxes";
  if (element.type === "radio_buttons" || element.type === "checkboxes") {
    const chosen = many ? ((value as string[] | undefined) ?? []) : [String(value ?? "")];
    const toggle = (one: string) =>
      onChange(many ? (chosen.includes(one) ? chosen.filter((c) => c !== one) : [...chosen, one]) : one);
    return (
      <div id={id} role="group">
        {choices.map((one) => (
          <label key={one.value} className="sl-choice">
            <input
              type={many ? "checkbox" : "radio"}
              name={id}
              checked={chosen.includes(one.value)}
              onChange={() => toggle(one.value)}
            />
            {one.text.text}
          </label>
        ))}
      </div>
    );
  }
  return (
    <select
      id={id}
      required={isRequired}
      multiple={many}
      value={many ? ((value as string[] | undefined) ?? []) : String(value ?? "")}
      onChange={(event) =>
        onChange(many ? [...event.target.selectedOptions].map((one) => one.value) : event.target.value)
      }
    >
      {!many && <option value="">{element.placeholder?.text ?? "Choose"}</option>}
      {choices.map((one) => (
        <option key={one.value} value={one.value}>
          {one.text.text}
        </option>
      ))}
    </select>
  );
}

/** What the fields of a window hold when it opens, by block_id. */
function initialValues(view: SlackView): Values {
  const fields = view.blocks.filter((block) => block.type === "input");
  return Object.fromEntries(
    fields.map((block) => {
      const element = block.element as Element;
      return [block.block_id ?? element.action_id, initialValue(element)];
    }),
  );
}

function initialValue(element: Element): unknown {
  if (element.initial_options) return element.initial_options.map((one) => one.value);
  const { initial_value, initial_date, initial_time, initial_users } = element;
  return initial_value ?? initial_date ?? initial_time ?? initial_users ?? initialChoice(element);
}

function isEmpty(value: unknown): boolean {
  return value === undefined || value === "" || (Array.isArray(value) && value.length === 0);
}

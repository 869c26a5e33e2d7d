/** One element with a value: a text, a date, files, or chosen options. */

import { attachment } from "../ask";
import { Combobox } from "./Combobox";
import { type Choice, type Element, type Group, groupsOf, type Held, isExternal, isMany, optionsIn } from "./elements";
import { useScene } from "./people";
import { useSurface } from "./surface";
import { Ticks } from "./Ticks";
import { withEmoji } from "./words";

export interface FieldProps {
  /** The id for a label; without one, `label` names the field. */
  id?: string;
  label?: string;
  element: Element;
  value: Choice;
  held: Held | undefined;
  /** Whether it may stay empty. Undefined for elements that act at once. */
  isOptional?: boolean;
  isInvalid?: boolean;
  describedBy?: string | undefined;
  onChange: (value: Choice) => void;
}

const INPUTS: Record<string, string> = {
  plain_text_input: "text",
  number_input: "number",
  email_text_input: "email",
  url_text_input: "url",
  datepicker: "date",
  timepicker: "time",
  datetimepicker: "datetime-local",
};

const LEAST_TYPED = 3;

/** A field of a modal, or a menu that acts at once. */
export function Field(props: FieldProps) {
  const { element } = props;
  if (element.type === "radio_buttons" || element.type === "checkboxes") return <Ticks {...props} />;
  if (element.type === "file_input") return <Files {...props} />;
  if (element.type in INPUTS) return <Line {...props} />;
  return isMany(element) || isExternal(element) ? <Searched {...props} /> : <Menu {...props} />;
}

/** The attributes of all fields. */
function common({ id, label, isOptional, isInvalid, describedBy }: FieldProps) {
  return {
    id,
    "aria-label": label,
    "aria-describedby": describedBy,
    "aria-invalid": isInvalid || undefined,
    "aria-required": isOptional === false || undefined,
  };
}

function Line(props: FieldProps) {
  const { element, value, onChange } = props;
  const shared = {
    ...common(props),
    placeholder: element.placeholder?.text,
    minLength: element.min_length,
    maxLength: element.max_length,
    autoFocus: element.focus_on_load,
  };
  if (element.multiline) {
    const words = String(value ?? "");
    return <textarea {...shared} rows={4} value={words} onChange={(event) => onChange(event.target.value)} />;
  }
  const isMoment = element.type === "datetimepicker";
  const words = isMoment ? localTime(value as number | null) : String(value ?? "");
  return (
    <input
      {...shared}
      type={INPUTS[element.type]}
      step={element.is_decimal_allowed ? "any" : undefined}
      min={element.min_value}
      max={element.max_value}
      value={words}
      onChange={(event) => onChange(isMoment ? seconds(event.target.value) : event.target.value)}
    />
  );
}

/** Seconds since the epoch as a field for date and time takes them: in local time, to the minute. */
function localTime(at: number | null): string {
  if (!at) return "";
  const here = new Date(at * 1000 - new Date(at * 1000).getTimezoneOffset() * 60_000);
  return here.toISOString().slice(0, 16);
}

function seconds(words: string): number | null {
  return words ? Math.floor(new Date(words).getTime() / 1000) : null;
}

function Menu(props: FieldProps) {
  const { element, value, isOptional, onChange } = props;
  const groups = groupsOf(element, useScene());
  return (
    <select
      {...common(props)}
      className="sl-select"
      value={String(value ?? "")}
      onChange={(event) => onChange(event.target.value || null)}
    >
      {(isOptional || !value) && <option value="">{withEmoji(element.placeholder?.text ?? "Choose")}</option>}
      {groups.map((group) => (group.label ? <optgroup key={group.label} label={group.label}>{optionsOf(group)}</optgroup> : optionsOf(group)))}
    </select>
  );
}

function optionsOf(group: Group) {
  return group.options.map((one) => (
    <option key={one.value} value={one.value}>
      {withEmoji(one.text.text)}
    </option>
  ));
}

function Searched({ id, label, element, value, held, isOptional, isInvalid, describedBy, onChange }: FieldProps) {
  const scene = useScene();
  const surface = useSurface();
  const many = isMany(element);
  const chosen = many ? ((value as string[] | null) ?? []) : value ? [String(value)] : [];
  const search = isExternal(element)
    ? { ask: (typed: string) => surface.suggest(element.action_id, typed), least: element.min_query_length ?? LEAST_TYPED }
    : groupsOf(element, scene);
  return (
    <Combobox
      id={id}
      label={label}
      placeholder={element.placeholder?.text ?? "Search"}
      isMany={many}
      most={element.max_selected_items}
      chosen={chosen}
      known={optionsIn(element, held)}
      search={search}
      isRequired={isOptional === false}
      isInvalid={isInvalid ?? false}
      describedBy={describedBy}
      onChange={(next) => onChange(many ? next : (next[0] ?? null))}
    />
  );
}

function Files(props: FieldProps) {
  const { element, onChange } = props;
  const most = element.max_files ?? 10;
  return (
    <input
      {...common(props)}
      type="file"
      multiple={most > 1}
      accept={element.filetypes?.map((one) => `.${one}`).join(",")}
      onChange={async (event) => {
        const files = [...(event.target.files ?? [])].slice(0, most);
        onChange(await Promise.all(files.map(attachment)));
      }}
    />
  );
}

/** Radio buttons and checkboxes, each with a label and a description. */

import { useId } from "react";
import type { FieldProps } from "./Field";
import { isMany } from "./elements";
import { withEmoji } from "./words";

/** In a modal the block's label names the group; elsewhere it has its own name. */
export function Ticks({ id, label, element, value, isInvalid, describedBy, onChange }: FieldProps) {
  const name = useId();
  const many = isMany(element);
  const chosen = many ? ((value as string[] | null) ?? []) : [String(value ?? "")];
  const toggle = (one: string) => {
    if (!many) return onChange(one);
    onChange(chosen.includes(one) ? chosen.filter((other) => other !== one) : [...chosen, one]);
  };
  return (
    <div
      className="sl-ticks"
      role={many ? "group" : "radiogroup"}
      aria-label={label}
      aria-labelledby={id && `${id}-label`}
      aria-describedby={describedBy}
      aria-invalid={many ? undefined : isInvalid || undefined}
    >
      {(element.options ?? []).map((one) => (
        <label key={one.value} className="sl-choice">
          <input
            type={many ? "checkbox" : "radio"}
            name={name}
            checked={chosen.includes(one.value)}
            onChange={() => toggle(one.value)}
          />
          <span>
            {withEmoji(one.text.text)}
            {one.description && <span className="sl-only">{withEmoji(one.description.text)}</span>}
          </span>
        </label>
      ))}
    </div>
  );
}

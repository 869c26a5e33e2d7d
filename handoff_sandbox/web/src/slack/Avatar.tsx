/** The avatar of a message: its own emoji or picture, the app's icon, or a letter. */

import type { SlackMessage } from "../api";
import { sourceOf } from "./pictures";
import { emoji } from "./words";

interface Icons {
  emoji?: string;
  image_64?: string;
}

const APP = "⇄";

export function Avatar({ message, name }: { message: SlackMessage; name: string }) {
  const icons = (message.icons ?? {}) as Icons;
  const picture = sourceOf({ image_url: icons.image_64 ?? "" });
  if (picture) return <img className="sl-avatar" src={picture} alt="" />;
  const hue = [...name].reduce((sum, letter) => sum + letter.charCodeAt(0), 0) % 6;
  const isCustom = Boolean(icons.emoji);
  return (
    <span className={`sl-avatar ${isCustom ? "sl-emoji" : `sl-hue-${hue}`}`} aria-hidden="true">
      {isCustom ? emoji(icons.emoji?.replaceAll(":", "") ?? "") : faceOf(message, name)}
    </span>
  );
}

/** A customer's name that the app set is not shown as an app. */
function faceOf(message: SlackMessage, name: string): string {
  return message.bot_id && !message.username ? APP : ([...name][0] ?? "?").toUpperCase();
}

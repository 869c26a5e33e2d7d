/** One message on a phone. */

import type { PhoneApp, PhoneMessage } from "../api";
import { Icon } from "../shell/Icon";
import { clockTime } from "../shell/time";
import { formatted } from "./formatting";
import { type Mark, markOf } from "./marks";

/** SVG can hold scripts, so it is shown as a file; these types cannot. */
const PICTURES = new Set(["image/png", "image/jpeg", "image/gif", "image/webp"]);

/** A message with its files, time and delivery status. Its content is shown as text only. */
export function Bubble({ message, app }: { message: PhoneMessage; app: PhoneApp }) {
  const mine = message.direction === "inbound";
  const mark = markOf(message);
  return (
    <li className="bubble-row" data-mine={mine} data-mark={mark.glyph}>
      <div className="bubble">
        <span className="unseen">{mine ? "You: " : "They: "}</span>
        {message.media.map((file) => (
          <Media key={file.url} file={file} />
        ))}
        {message.body && (
          <p className="bubble-text" dir="auto">
            {app === "whatsapp" ? formatted(message.body) : message.body}
          </p>
        )}
        {message.by_carrier && <p className="bubble-note">Answered by the carrier, not the bot</p>}
        <span className="bubble-foot">
          <time dateTime={new Date(message.at * 1000).toISOString()}>{clockTime(message.at)}</time>
          <Ticks mark={mark} app={app} />
        </span>
      </div>
    </li>
  );
}

function Media({ file }: { file: PhoneMessage["media"][number] }) {
  if (!PICTURES.has(file.content_type)) {
    return (
      <a className="bubble-file" href={file.url} download={file.name}>
        <Icon name="file" />
        <bdi>{file.name}</bdi>
      </a>
    );
  }
  return (
    <a className="bubble-picture" href={file.url} target="_blank" rel="noopener noreferrer">
      <img src={file.url} alt={file.name} loading="lazy" />
    </a>
  );
}

function Ticks({ mark, app }: { mark: Mark; app: PhoneApp }) {
  if (app === "sms" || mark.glyph === "failed") return <span className="mark">{mark.words}</span>;
  return (
    <span className="mark" data-read={mark.isRead}>
      <svg viewBox="0 0 20 12" aria-hidden="true" focusable="false">
        {mark.glyph === "waiting" && <path d="M10 1a5 5 0 1 0 .01 0M10 3.5V6l1.5 1" />}
        {mark.glyph !== "waiting" && <path d="M2 6.5L5.5 10L13 2" />}
        {mark.glyph === "two" && <path d="M8.5 9L9.5 10L17 2" />}
      </svg>
      <span className="unseen">{mark.words}</span>
    </span>
  );
}

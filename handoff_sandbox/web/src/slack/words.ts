/** Emoji by name, and dates as Slack writes them. */

import { get } from "node-emoji";

/** Slack's names that differ from the list's. */
const ALIASES: Record<string, string> = {
  thumbsup: "👍",
  thumbsdown: "👎",
  large_orange_circle: "🟠",
  large_yellow_circle: "🟡",
  large_green_circle: "🟢",
  large_purple_circle: "🟣",
  large_brown_circle: "🟤",
  envelope: "✉️",
  robot_face: "🤖",
  hand: "✋",
  raised_hand: "✋",
  raising_hand: "🙋",
  simple_smile: "🙂",
  double_vertical_bar: "⏸️",
  black_square_for_stop: "⏹️",
};

/** The reactions that can be chosen. */
export const PICKABLE = ["eyes", "thumbsup", "white_check_mark", "heart", "tada", "pray"];

/** An emoji as a character, ":name:" if it is unknown. */
export function emoji(name: string): string {
  return ALIASES[name] ?? get(name) ?? `:${name}:`;
}

/** A plain text with :emoji: as characters. */
export function withEmoji(text: string): string {
  return text.replace(/:([a-z0-9_+-]+):/g, (_, name: string) => emoji(name));
}
const SHORT = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short" });
const LONG = new Intl.DateTimeFormat(undefined, { dateStyle: "full" });
const TIME = new Intl.DateTimeFormat(undefined, { timeStyle: "short" });

/** A Slack date: its format with every {part} replaced, e.g. "{date_short_pretty} {time}". */
export function slackDate(at: number, format: string, now: number): string {
  const parts: Record<string, () => string> = {
    time: () => TIME.format(at * 1000),
    ago: () => ago(now - at),
    date_short_pretty: () => pretty(at, now),
    date_pretty: () => pretty(at, now),
    date_long_pretty: () => pretty(at, now),
    date_long: () => LONG.format(at * 1000),
  };
  return format.replace(/\{(\w+)\}/g, (_, name: string) =>
    (parts[name] ?? (() => SHORT.format(at * 1000)))(),
  );
}

function pretty(at: number, now: number): string {
  const days = Math.floor(now / 86_400) - Math.floor(at / 86_400);
  if (days === 0) return "today";
  return days === 1 ? "yesterday" : SHORT.format(at * 1000);
}

function ago(seconds: number): string {
  const minutes = Math.floor(seconds / 60);
  if (minutes < 1) return "less than a minute ago";
  if (minutes < 60) return minutes === 1 ? "1 minute ago" : `${minutes} minutes ago`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return hours === 1 ? "1 hour ago" : `${hours} hours ago`;
  return `${Math.floor(hours / 24)} days ago`;
}

/** The delivery status of a message, as a phone shows it: an icon, and a text for screen readers. */

import type { PhoneMessage } from "../api";

export interface Mark {
  glyph: "waiting" | "one" | "two" | "failed";
  words: string;
  isRead: boolean;
}

const UNDER_WAY: Mark = { glyph: "waiting", words: "On its way", isRead: false };
const SENT: Mark = { glyph: "one", words: "Sent", isRead: false };
const DELIVERED: Mark = { glyph: "two", words: "Delivered", isRead: false };
const READ: Mark = { glyph: "two", words: "Read", isRead: true };

const MARKS: Record<string, Mark> = {
  sent: SENT,
  receiving: SENT,
  received: DELIVERED,
  delivered: DELIVERED,
  read: READ,
};

const REASONS: Record<number, string> = {
  21610: "this number said STOP",
  30003: "the phone is out of reach",
  30004: "the phone blocks this number",
  30005: "nobody has this number",
  30006: "this number takes no texts",
  30007: "the carrier took it for spam",
  30008: "the carrier does not say why",
  63016: "the customer last wrote more than 24 hours ago",
  63018: "too many messages at once",
  63024: "the number is not on WhatsApp",
};

/** The delivery icon of a message. */
export function markOf({ status, error_code }: PhoneMessage): Mark {
  if (status === "failed" || status === "undelivered") return failure(error_code);
  return MARKS[status] ?? UNDER_WAY;
}

function failure(code: number | null): Mark {
  const reason = code === null ? "" : `: ${REASONS[code] ?? "see the provider's list"} (${code})`;
  return { glyph: "failed", words: `Not delivered${reason}`, isRead: false };
}

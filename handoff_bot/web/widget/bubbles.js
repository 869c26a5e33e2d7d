/** One message as it is drawn. */

import { el, linked } from "./dom.js";

/** @type {Record<string, string>} */
const SIGNS = { sending: "🕓", sent: "✓", delivered: "✓✓", read: "✓✓", failed: "!" };

/**
 * A message of the conversation.
 * @param {import("./view.js").Look} look
 * @param {{author: string, name: string | null, photo?: string | null, text: string, at: string, order?: number, files?: import("./chat.js").File[]}} message
 * @param {{delivered: number, read: number}} [state]
 */
export function bubble(look, message, state) {
  const isMine = message.author === "visitor";
  const parts = (message.files ?? []).map((file) => fileBubble(look, file));
  if (message.text) parts.push(el("p", { class: "bubble", dir: "auto" }, ...linked(message.text)));
  const who = speaker(look, message);
  parts.unshift(el("p", { class: isMine ? "who hidden" : "who" }, ...photo(look, message.photo), who));
  if (message.at) parts.push(meta(look, new Date(message.at), isMine ? stage(message.order ?? 0, state) : ""));
  return el("article", { class: `message ${isMine ? "mine" : message.author}` }, ...parts);
}

/**
 * The agent's photo, which says nothing that their name does not. Its page of origin may forbid pictures: then none.
 * @param {import("./view.js").Look} look
 * @param {string | null} [path]
 */
export function photo(look, path) {
  if (!path) return [];
  const made = el("img", { alt: "", class: "photo", referrerpolicy: "no-referrer" });
  const place = el("span");
  made.onload = () => place.append(made); // most have none, and a page may forbid pictures
  made.setAttribute("src", new URL(path, look.home).href);
  return [place];
}

/** Pictures that a page may show; any other file is only offered. */
const PICTURES = new Set(["image/jpeg", "image/png", "image/gif", "image/webp"]);

/**
 * A file: a picture where it can be shown, else its name. Its page of origin may forbid pictures: then its name.
 * @param {import("./view.js").Look} look
 * @param {import("./chat.js").File} file
 */
function fileBubble(look, file) {
  if (!file.url) return el("p", { class: "bubble file" }, `📎 ${look.texts.gone}`);
  const href = new URL(file.url, look.home).href;
  const name = el("span", { dir: "auto" }, `📎 ${file.name}`);
  const link = el("a", { href, target: "_blank", rel: "noopener noreferrer", class: "file" }, name);
  if (PICTURES.has(file.type)) {
    const picture = el("img", { src: href, alt: file.name, loading: "lazy", referrerpolicy: "no-referrer" });
    picture.onerror = () => picture.replaceWith(name);
    link.replaceChildren(picture);
  }
  return el("p", { class: "bubble file" }, link);
}

/**
 * A message that is not in the conversation yet.
 * @param {import("./view.js").Look} look
 * @param {import("./outbox.js").Waiting} message
 * @param {import("./outbox.js").Outbox} outbox
 */
export function waitingBubble(look, message, outbox) {
  const stage = message.failed ? "failed" : outbox.sent.has(message.id) ? "sent" : "sending";
  const made = el(
    "article",
    { class: `message mine ${stage}` },
    el("p", { class: "who hidden" }, look.texts.you ?? ""),
    el("p", { class: "bubble", dir: "auto" }, ...linked(message.text)),
    meta(look, new Date(message.at), stage),
  );
  if (message.failed) {
    const retry = el("button", { class: "retry", type: "button" }, look.texts.retry ?? "");
    retry.onclick = () => outbox.retry(message.id);
    made.lastElementChild?.append(" ", retry);
  }
  return made;
}

/**
 * A file that is not in the conversation yet.
 * @param {import("./view.js").Look} look
 * @param {import("./uploads.js").Upload} upload
 * @param {import("./uploads.js").Uploads} uploads
 */
export function uploadBubble(look, upload, uploads) {
  const stage = uploads.sent.has(upload.id) ? "sent" : "sending";
  return el(
    "article",
    { class: `message mine ${stage}` },
    el("p", { class: "who hidden" }, look.texts.you ?? ""),
    el("p", { class: "bubble file" }, el("span", { dir: "auto" }, `📎 ${upload.name}`)),
    meta(look, new Date(upload.at), stage),
  );
}

/**
 * @param {import("./view.js").Look} look
 * @param {{author: string, name: string | null}} message
 */
function speaker(look, message) {
  const { texts } = look;
  if (message.author === "visitor") return texts.you ?? "";
  if (message.author === "agent") return message.name ?? texts.team ?? "";
  if (message.author === "assistant") return `${texts.assistant} (${texts.automatic})`;
  return look.title;
}

/**
 * @param {number} order
 * @param {{delivered: number, read: number}} [state]
 */
function stage(order, state) {
  if (state && order <= state.read) return "read";
  return state && order <= state.delivered ? "delivered" : "sent";
}

/**
 * The time, and how far one's own message has come: a sign for the eye, a word for the ear.
 * @param {import("./view.js").Look} look
 * @param {Date} at
 * @param {string} stage "" for somebody else's
 */
function meta(look, at, stage) {
  const time = new Intl.DateTimeFormat(look.locale, { timeStyle: "short" }).format(at);
  const made = el("p", { class: "meta" }, el("time", { datetime: at.toISOString() }, time));
  if (stage) {
    const sign = SIGNS[stage] ?? "";
    const word = look.texts[stage] ?? "";
    const shown = stage === "failed" ? `${sign} ${word}` : sign;
    made.append(
      " ",
      el(
        "span",
        { class: `mark ${stage}`, title: word },
        el("span", { "aria-hidden": "true" }, shown),
        el("span", { class: "hidden" }, word),
      ),
    );
  }
  return made;
}

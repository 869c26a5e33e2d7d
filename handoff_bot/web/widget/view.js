/** The widget's face: a launcher, a panel, the conversation in it. Draws what the chat says; knows no network. */

import { Leaving, Mailing } from "./asides.js";
import { bubble, photo, uploadBubble, waitingBubble } from "./bubbles.js";
import { el, icon } from "./dom.js";
import { sheet } from "./styles.js";
import { fill } from "./texts.js";

const CHAT = "M21 12a8 8 0 0 1-8 8H4l2-3a8 8 0 1 1 15-5z";
const CROSS = "M6 6l12 12M18 6L6 18";
const CLIP = "M20 11l-8.5 8.5a5 5 0 0 1-7-7L13 4a3.3 3.3 0 0 1 4.7 4.7l-8.5 8.5a1.7 1.7 0 0 1-2.4-2.4L14.5 7";
const ENVELOPE = "M3 6h18v12H3zM3 7l9 7 9-7";
const ARROW = "M5 12h14M13 6l6 6-6 6";

/**
 * @typedef {object} Look
 * @property {string} title
 * @property {string} greeting
 * @property {string} locale
 * @property {string} language
 * @property {"ltr" | "rtl"} direction
 * @property {import("./texts.js").Texts} texts
 * @property {URL} home the bot's address
 */

export class View {
  badge = el("span", { class: "badge", hidden: true });
  launcher = el("button", { class: "launcher", type: "button" });
  person = /** @type {HTMLButtonElement} */ (el("button", { class: "person", type: "button" }));
  status = el("p", { class: "status", role: "status" });
  log = el("div", { class: "log", role: "log", "aria-live": "polite", tabindex: "0" });
  choices = el("div", { class: "choices", role: "group", hidden: true });
  typing = el("p", { class: "typing", hidden: true });
  notice = el("p", { class: "notice", role: "alert", hidden: true });
  field = /** @type {HTMLTextAreaElement} */ (el("textarea", { rows: "1", dir: "auto" }));
  mail = el("button", { class: "close", type: "button", hidden: true });
  panel = /** @type {HTMLDialogElement} */ (el("dialog", { class: "panel" }));
  /** Where the panel fills the screen, nothing behind it may get the focus. */
  fills = matchMedia("(max-width: 480px)");
  /** What had the focus before the panel opened. @type {HTMLElement | null} */
  before = null;
  /** @type {WeakMap<Element, import("./chat.js").Message>} */
  messageOf = new WeakMap();
  /** Key of the message whose choices are drawn, and of the last one that was answered by a click. */
  offered = "";
  chosen = "";
  /** Path of the photo that is shown in the status. */
  face = "";
  /** How many unread messages the page was last told of. */
  told = 0;

  /**
   * @param {HTMLElement} host
   * @param {Look} look
   * @param {import("./chat.js").Chat} chat
   */
  constructor(host, look, chat) {
    this.host = host;
    this.look = look;
    this.chat = chat;
    this.isOpen = false;
    this.isDrawing = false;
    /** @type {Map<string, HTMLElement>} */
    this.drawn = new Map();
    this.leaving = new Leaving(look, chat, () => this.field.focus());
    this.mailing = new Mailing(look, chat.server, () => this.field.focus());
    const root = host.attachShadow({ mode: "open" });
    root.adoptedStyleSheets = [sheet()];
    root.append(this.build());
    this.sight = new IntersectionObserver((entries) => this.sighted(entries), { root: this.log, threshold: 0.5 });
    addEventListener("visibilitychange", () => this.lookAgain());
    this.fills.addEventListener("change", () => {
      if (this.isOpen) this.show();
    });
  }

  build() {
    const { texts, title, direction, locale } = this.look;
    this.launcher.append(icon(CHAT), this.badge);
    this.launcher.onclick = () => (this.isOpen ? this.close() : this.open());
    this.log.setAttribute("aria-label", texts.messages ?? "");
    this.log.append(bubble(this.look, { author: "system", name: null, text: this.look.greeting, at: "" }));
    this.panel.setAttribute("aria-label", title);
    const above = [this.header(), this.status, this.leaving.row];
    this.panel.append(...above, this.log, this.choices, this.typing, this.notice, this.mailing.form, this.form());
    this.panel.onkeydown = (event) => {
      if (event.key === "Escape") this.close();
    };
    // What closes a modal besides a key: the gesture or the button that goes back on a phone.
    this.panel.oncancel = (event) => {
      event.preventDefault();
      if (this.isOpen) this.close();
    };
    // Some browsers close a modal without asking first. What `show` closes is open when this is called.
    this.panel.onclose = () => {
      if (this.isOpen && !this.panel.open) this.close();
    };
    return el("div", { dir: direction, lang: locale }, this.panel, this.launcher);
  }

  header() {
    const { texts, title } = this.look;
    this.person.textContent = texts.person ?? "";
    this.person.onclick = () => this.chat.say(texts.person ?? "", "person");
    const close = el("button", { class: "close", type: "button", "aria-label": texts.close }, icon(CROSS));
    close.onclick = () => this.close();
    for (const name of ["aria-label", "title"]) this.mail.setAttribute(name, texts.mail ?? "");
    this.mail.append(icon(ENVELOPE));
    this.mail.onclick = () => {
      this.mailing.open();
      this.toEnd();
    };
    return el("header", {}, el("h2", {}, title), this.person, this.mail, close);
  }

  form() {
    const { texts } = this.look;
    this.field.setAttribute("aria-label", texts.write ?? "");
    this.field.placeholder = texts.write ?? "";
    this.field.maxLength = 4000;
    this.field.onkeydown = (event) => {
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      this.say();
    };
    const send = el("button", { class: "send", type: "submit", "aria-label": texts.send }, icon(ARROW));
    const form = el("form", {}, ...this.clip(), this.field, send);
    form.onsubmit = (event) => {
      event.preventDefault();
      this.say();
    };
    return form;
  }

  /** A button for files; and pasting and dropping do the same. @returns {HTMLElement[]} */
  clip() {
    const { texts } = this.look;
    const chooser = /** @type {HTMLInputElement} */ (el("input", { type: "file", multiple: true, hidden: true, tabindex: "-1" }));
    const clip = el("button", { class: "clip", type: "button", "aria-label": texts.attach, title: texts.attach }, icon(CLIP));
    clip.onclick = () => chooser.click();
    chooser.onchange = () => {
      this.chat.attach(chooser.files ?? []);
      chooser.value = "";
      this.field.focus();
    };
    this.field.onpaste = (event) => {
      const files = event.clipboardData?.files ?? [];
      if (!files.length) return;
      event.preventDefault();
      this.chat.attach(files);
    };
    this.panel.ondragover = (event) => event.preventDefault();
    this.panel.ondrop = (event) => {
      event.preventDefault();
      this.chat.attach(event.dataTransfer?.files ?? []);
    };
    return [clip, chooser];
  }

  say() {
    const text = this.field.value.trim();
    if (!text) return;
    this.field.value = "";
    this.chat.say(text);
    this.field.focus();
  }

  open() {
    if (!this.isOpen) this.before = /** @type {HTMLElement | null} */ (document.activeElement);
    this.isOpen = true;
    this.show();
    this.host.toggleAttribute("data-open", true);
    this.launcher.setAttribute("aria-expanded", "true");
    this.chat.start();
    this.draw();
    this.toEnd();
    this.field.focus();
  }

  /** The panel as the width of the screen wants it: modal where it fills the screen. */
  show() {
    const inside = /** @type {HTMLElement | null | undefined} */ (this.panel.open ? this.host.shadowRoot?.activeElement : null);
    this.panel.close();
    if (this.fills.matches) this.panel.showModal();
    else this.panel.show();
    inside?.focus();
  }

  close() {
    this.isOpen = false;
    this.panel.close();
    this.host.toggleAttribute("data-open", false);
    this.launcher.setAttribute("aria-expanded", "false");
    this.draw();
    // The website may have opened it with a button of its own.
    const back = this.before?.isConnected && this.before !== document.body && this.before !== this.host;
    (back && this.before ? this.before : this.launcher).focus();
  }

  /** Draw soon; many changes at once are drawn once. */
  redraw() {
    if (this.isDrawing) return;
    this.isDrawing = true;
    queueMicrotask(() => {
      this.isDrawing = false;
      this.draw();
    });
  }

  draw() {
    // Asked first: the status and the notice take room from the log.
    const atEnd = this.isAtEnd;
    this.drawLauncher();
    this.drawStatus();
    this.drawMessages();
    this.drawChoices();
    this.drawNotice();
    if (atEnd) this.toEnd();
  }

  drawLauncher() {
    const { texts } = this.look;
    const { unread } = this.chat;
    const shown = unread > 0 && !this.isOpen;
    this.badge.hidden = !shown;
    this.badge.textContent = unread > 99 ? "99+" : String(unread);
    const label = (this.isOpen ? texts.close : texts.open) ?? "";
    this.launcher.setAttribute("aria-label", shown ? `${label}, ${fill(this.look, "unread", { n: unread })}` : label);
    if (unread !== this.told) dispatchEvent(new CustomEvent("handoff:unread", { detail: unread }));
    this.told = unread;
  }

  drawStatus() {
    const { texts } = this.look;
    const { state } = this.chat;
    const parts = [];
    if (state.phase === "waiting" && state.position !== null) {
      parts.push(fill(this.look, "waitingAt", { n: state.position }));
      if (state.wait_minutes !== null) parts.push(fill(this.look, "minutes", { minutes: state.wait_minutes }));
    }
    if (state.phase === "agent") parts.push(fill(this.look, "withAgent", { name: state.agent ?? texts.team ?? "" }));
    const words = parts.join(" ");
    const face = state.phase === "agent" ? state.agent_photo ?? "" : "";
    if (this.status.textContent !== words || this.face !== face) this.status.replaceChildren(...photo(this.look, face), words);
    this.face = face;
    const isPersonWanted = state.phase !== "assistant";
    // What has the focus must not vanish under it: the keyboard would be nowhere.
    if (isPersonWanted && this.host.shadowRoot?.activeElement === this.person) this.field.focus();
    this.person.hidden = isPersonWanted;
    this.leaving.show(state.phase === "waiting");
    this.mail.hidden = !this.chat.canMail;
    this.typing.hidden = !state.typing;
    set(this.typing, `${texts.assistant} ${texts.typing}`);
  }

  drawMessages() {
    const wanted = new Map();
    for (const message of this.chat.messages) {
      const draw = () => bubble(this.look, message, this.chat.state);
      wanted.set(message.key, this.drawn.get(message.key) ?? this.watched(draw(), message));
    }
    const stored = new Set(this.chat.messages.map((message) => message.cid));
    for (const message of this.chat.outbox.waiting) {
      if (!stored.has(message.id)) wanted.set(message.id, waitingBubble(this.look, message, this.chat.outbox));
    }
    for (const upload of this.chat.uploads.waiting) {
      if (!stored.has(upload.id)) wanted.set(upload.id, uploadBubble(this.look, upload, this.chat.uploads));
    }
    this.place(wanted);
    for (const message of this.chat.messages) this.remark(message);
  }

  /** The replies to the newest message as buttons, until anything else is said. A click is sent as its words are. */
  drawChoices() {
    const { chat } = this;
    const last = chat.messages.at(-1);
    const isOpen = last?.choices?.length && last.key !== this.chosen && !chat.outbox.waiting.length;
    const key = last && isOpen ? last.key : "";
    if (key === this.offered) return;
    this.offered = key;
    // What has the focus must not vanish under it: the keyboard would be nowhere.
    if (this.choices.contains(this.host.shadowRoot?.activeElement ?? null)) this.field.focus();
    this.choices.hidden = !key;
    this.choices.setAttribute("aria-label", last?.text.trim().split("\n").at(0) ?? "");
    this.choices.replaceChildren(...(key ? (last?.choices ?? []) : []).map((text) => this.choice(key, text)));
    if (key) this.toEnd();
  }

  /**
   * @param {string} key of the message that offers it
   * @param {string} text
   */
  choice(key, text) {
    const made = el("button", { class: "choice", type: "button", dir: "auto" }, text);
    made.onclick = () => {
      if (this.chosen === key) return;
      this.chosen = key;
      this.chat.say(text);
      this.field.focus();
      this.redraw();
    };
    return made;
  }

  /**
   * Put the bubbles where they belong without touching those that are there: a screen reader reads what is new.
   * @param {Map<string, HTMLElement>} wanted
   */
  place(wanted) {
    for (const [key, element] of this.drawn) if (wanted.get(key) !== element) element.remove();
    let before = this.log.firstElementChild; // the greeting
    for (const element of wanted.values()) {
      if (before?.nextElementSibling !== element) before?.after(element);
      before = element;
    }
    this.drawn = wanted;
  }

  /**
   * The marks of one's own message as they are now.
   * @param {import("./chat.js").Message} message
   */
  remark(message) {
    const element = this.drawn.get(message.key);
    const fresh = message.author === "visitor" && bubble(this.look, message, this.chat.state);
    const mark = element?.querySelector(".mark");
    const now = fresh && fresh.querySelector(".mark");
    if (mark && now && mark.className !== now.className) mark.replaceWith(now);
  }

  drawNotice() {
    const { texts } = this.look;
    const seconds = Math.ceil((this.chat.pausedUntil - Date.now()) / 1000);
    const { refusal } = this.chat;
    const refused = refusal ? fill(this.look, "refused", { name: refusal.name, why: refusal.why }) : "";
    const state = seconds > 0 ? fill(this.look, "tooFast", { n: seconds }) : this.chat.isLinked && navigator.onLine ? "" : texts.offline;
    const words = state || refused;
    this.notice.hidden = !words;
    set(this.notice, words ?? "");
    if (seconds > 0) setTimeout(() => this.redraw(), 1000);
  }

  get isAtEnd() {
    return this.log.scrollHeight - this.log.scrollTop - this.log.clientHeight < 40;
  }

  toEnd() {
    this.log.scrollTop = this.log.scrollHeight;
  }

  /** @param {IntersectionObserverEntry[]} entries */
  sighted(entries) {
    for (const entry of entries) if (entry.isIntersecting) this.saw(entry.target);
  }

  /**
   * @param {HTMLElement} element
   * @param {import("./chat.js").Message} message
   */
  watched(element, message) {
    if (message.author !== "visitor") {
      this.messageOf.set(element, message);
      this.sight.observe(element);
    }
    return element;
  }

  /** @param {Element} element */
  saw(element) {
    const message = this.messageOf.get(element);
    if (!message || !this.isOpen || document.visibilityState !== "visible") return;
    this.sight.unobserve(element);
    this.chat.sawUpTo(message);
  }

  /** The page came back into sight: what is on the screen is seen only now. */
  lookAgain() {
    for (const element of this.drawn.values()) {
      if (!this.messageOf.has(element)) continue;
      this.sight.unobserve(element);
      this.sight.observe(element);
    }
  }
}

/**
 * Change an element's words only when they differ, so that nothing is read out twice.
 * @param {HTMLElement} element
 * @param {string} text
 */
function set(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** What a visitor can do besides writing: leave the queue, and have the conversation sent by e-mail. */

import { el } from "./dom.js";
import { Refused } from "./server.js";
import { fill } from "./texts.js";

/** A button that leaves the queue. It asks once, because the place in the queue is lost. */
export class Leaving {
  row = el("div", { class: "aside", hidden: true });

  /**
   * @param {import("./view.js").Look} look
   * @param {import("./chat.js").Chat} chat
   * @param {() => void} done called when the focus belongs elsewhere
   */
  constructor(look, chat, done) {
    this.look = look;
    this.chat = chat;
    this.done = done;
    this.offer();
  }

  /** @param {boolean} waits */
  show(waits) {
    if (waits === !this.row.hidden) return;
    if (this.row.matches(":focus-within")) this.done();
    this.row.hidden = !waits;
    this.offer();
  }

  offer() {
    const leave = button("plain", this.look.texts.leave, () => this.ask());
    this.row.replaceChildren(leave);
    return leave;
  }

  ask() {
    const { texts } = this.look;
    const stay = button("choice", texts.stay, () => this.offer().focus());
    const leave = button("choice", texts.leave, () => {
      this.row.hidden = true;
      this.chat.say(texts.leave ?? "", "leave");
      this.done();
    });
    const question = el("p", { role: "alert" }, texts.leaveAsk ?? "");
    this.row.replaceChildren(question, stay, leave);
    stay.focus();
  }
}

/** A form that has the conversation sent to an address. The browser keeps the address no longer than the form is open. */
export class Mailing {
  address = /** @type {HTMLInputElement} */ (el("input", { type: "email", autocomplete: "email", maxlength: "254", required: true }));
  result = el("p", { role: "status" });
  submit = /** @type {HTMLButtonElement} */ (el("button", { class: "choice", type: "submit" }));
  form = /** @type {HTMLFormElement} */ (el("form", { class: "aside mailing", hidden: true, novalidate: true }));

  /**
   * @param {import("./view.js").Look} look
   * @param {import("./server.js").Server} server
   * @param {() => void} done called when the focus belongs elsewhere
   */
  constructor(look, server, done) {
    this.look = look;
    this.server = server;
    this.done = done;
    const { texts } = look;
    const label = el("label", {}, el("span", {}, texts.mailAddress ?? ""), this.address);
    this.submit.textContent = texts.send ?? "";
    this.form.append(label, this.submit, button("choice", texts.cancel, () => this.close()), this.result);
    this.form.onsubmit = (event) => {
      event.preventDefault();
      void this.send();
    };
  }

  open() {
    this.form.hidden = false;
    this.result.textContent = "";
    this.address.focus();
  }

  close() {
    this.form.hidden = true;
    this.address.value = "";
    this.done();
  }

  async send() {
    const { texts, locale } = this.look;
    const to = this.address.value.trim();
    if (this.isSending) return;
    if (!to || !this.address.checkValidity()) return this.say(texts.mailWrong);
    this.busy(true);
    try {
      await this.server.post("transcript", { to, locale });
    } catch (error) {
      return this.say(error instanceof Refused && error.status === 400 ? texts.mailWrong : texts.mailLater);
    } finally {
      this.busy(false);
    }
    this.address.value = "";
    this.say(fill(this.look, "mailSent", { address: to }));
  }

  isSending = false;

  /**
   * Not `disabled`, which would take the focus away.
   * @param {boolean} isSending
   */
  busy(isSending) {
    this.isSending = isSending;
    this.submit.setAttribute("aria-disabled", String(isSending));
  }

  /** @param {string} [words] */
  say(words = "") {
    this.result.textContent = words;
  }
}

/**
 * @param {string} kind its class
 * @param {string | undefined} words
 * @param {() => void} act
 */
function button(kind, words, act) {
  const made = el("button", { class: kind, type: "button" }, words ?? "");
  made.onclick = act;
  return made;
}

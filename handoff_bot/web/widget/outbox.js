/** Messages that wait to be stored by the bot: kept over reloads, sent one by one, in order, each with its own id. */

import { Refused } from "./server.js";
import { keep, onOthers, recall } from "./store.js";

const SHORTEST = 1000;
const LONGEST = 15_000;

/**
 * What a button asks for besides its words.
 * @typedef {"" | "person" | "leave"} Wish
 */

/**
 * An older widget kept `person` instead of `wish`.
 * @typedef {{id: string, text: string, wish?: Wish, person?: boolean, at: number, failed: boolean, visitor: string}} Waiting
 */

export class Outbox {
  /**
   * @param {import("./server.js").Server} server
   * @param {() => void} changed
   * @param {(seconds: number) => void} tooFast
   */
  constructor(server, changed, tooFast) {
    this.server = server;
    this.changed = changed;
    this.tooFast = tooFast;
    this.isSending = false;
    this.locale = "";
    this.failures = 0;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.timer = undefined;
    onOthers("outbox", changed);
    addEventListener("online", () => this.flush());
  }

  /** What waits, oldest first. @returns {Waiting[]} */
  get waiting() {
    const kept = recall("outbox");
    return Array.isArray(kept) ? kept : [];
  }

  /**
   * @param {string} text
   * @param {Wish} wish
   */
  add(text, wish) {
    const visitor = recall("session")?.visitor ?? "";
    const message = { id: crypto.randomUUID(), text, wish, at: Date.now(), failed: false, visitor };
    this.save([...this.waiting, message]);
    void this.flush();
  }

  /** Try a message that was refused once more. @param {string} id */
  retry(id) {
    this.save(this.waiting.map((one) => (one.id === id ? { ...one, failed: false } : one)));
    void this.flush();
  }

  /** It is in the conversation: it need not wait any more. @param {string} id */
  done(id) {
    const left = this.waiting.filter((one) => one.id !== id);
    if (left.length < this.waiting.length) this.save(left);
  }

  /**
   * Somebody is at this browser now. What they wrote before they signed in is theirs; what another customer
   * of the website wrote is not for their eyes.
   * @param {string} visitor
   */
  onlyOf(visitor) {
    const theirs = this.waiting.filter((one) => one.visitor === visitor || !one.visitor.startsWith("user:"));
    this.save(theirs.map((one) => ({ ...one, visitor })));
  }

  /** Send what waits. Of several tabs one at a time does, where the browser can keep them apart. */
  async flush() {
    if (this.isSending) return;
    this.isSending = true;
    clearTimeout(this.timer);
    try {
      if (navigator.locks) await navigator.locks.request("handoff:outbox", () => this.sendAll());
      else await this.sendAll();
    } finally {
      this.isSending = false;
    }
  }

  async sendAll() {
    for (;;) {
      const next = this.waiting.find((one) => !one.failed && !this.sent.has(one.id));
      if (!next) return;
      const wish = next.wish ?? (next.person ? "person" : "");
      try {
        await this.server.post("messages", {
          id: next.id,
          text: next.text,
          locale: this.locale,
          ...(wish ? { [wish]: true } : {}),
        });
        this.failures = 0;
        this.sent.add(next.id); // it stays in sight until the conversation shows it
        this.changed();
      } catch (error) {
        if (this.isOver(next, error)) continue;
        return;
      }
    }
  }

  /** Ids that the bot has stored. @type {Set<string>} */
  sent = new Set();

  /**
   * What a failure means: true when the next message may go on.
   * @param {Waiting} message
   * @param {unknown} error
   */
  isOver(message, error) {
    if (error instanceof Refused && !error.isPassing) {
      this.save(this.waiting.map((one) => (one === message || one.id === message.id ? { ...one, failed: true } : one)));
      return true;
    }
    const asked = error instanceof Refused ? error.retryAfter : 0;
    if (error instanceof Refused && error.status === 429) this.tooFast(asked);
    this.failures += 1;
    const backoff = Math.min(LONGEST, SHORTEST * 2 ** this.failures) * (0.5 + Math.random() / 2);
    this.timer = setTimeout(() => this.flush(), Math.max(asked * 1000, backoff));
    this.changed();
    return false;
  }

  /** @param {Waiting[]} waiting */
  save(waiting) {
    keep("outbox", waiting.length ? waiting : undefined);
    this.changed();
  }
}

/** One visitor's conversation: what is in it, how things stand, what is unread, what was shown. */

import { Outbox } from "./outbox.js";
import { keep, onOthers, recall } from "./store.js";
import { Stream } from "./stream.js";
import { Uploads } from "./uploads.js";

/** Milliseconds to wait for more marks, so that they travel together. */
const GATHER = 400;
const MOST_MARKS = 100;

/**
 * @typedef {object} Message
 * @property {string} key
 * @property {number} order
 * @property {string | null} cid
 * @property {string | null} oid
 * @property {"visitor" | "assistant" | "agent" | "system"} author
 * @property {string | null} name
 * @property {string | null} [photo] of the agent, below the bot's address
 * @property {string} text
 * @property {string} at
 * @property {File[]} files
 * @property {string[]} [choices] replies to offer as buttons
 *
 * @typedef {object} File
 * @property {string | null} url below the bot's address, null when it is not kept any more
 * @property {string} name
 * @property {string} type
 *
 * @typedef {object} State
 * @property {"assistant" | "waiting" | "agent"} phase
 * @property {string | null} agent
 * @property {string | null} [agent_photo] below the bot's address
 * @property {number | null} position
 * @property {number | null} wait_minutes
 * @property {boolean} typing
 * @property {number} delivered
 * @property {number} read
 */

export class Chat {
  /**
   * @param {import("./server.js").Server} server
   * @param {string} locale
   * @param {() => void} changed called whenever there is something new to see
   */
  constructor(server, locale, changed) {
    this.server = server;
    this.changed = changed;
    /** @type {Map<string, Message>} */
    this.byKey = new Map();
    /** @type {State} */
    this.state = calm();
    this.isLinked = true;
    /** Until when (ms) nothing is sent because it was too much. */
    this.pausedUntil = 0;
    this.visitor = "";
    this.outbox = new Outbox(server, changed, (seconds) => {
      this.pausedUntil = Date.now() + seconds * 1000;
    });
    this.outbox.locale = locale;
    /** The last file that was refused, and why; null when it was seen. @type {{name: string, why: string} | null} */
    this.refusal = null;
    this.uploads = new Uploads(server, changed, (name, why) => {
      this.refusal = { name, why };
      changed();
    });
    this.stream = new Stream(server, {
      hear: (event, data) => this.hear(event, data),
      link: (up) => this.link(up),
    });
    /** @type {Set<string>} */
    this.delivered = new Set();
    /** @type {Set<string>} */
    this.read = new Set();
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.timer = undefined;
    onOthers("seen", changed);
  }

  /** Everything in order. @returns {Message[]} */
  get messages() {
    return [...this.byKey.values()].sort((one, other) => one.order - other.order);
  }

  /** How many messages of ours nobody has looked at in any tab. @returns {number} */
  get unread() {
    const seen = this.seen;
    return this.messages.filter((one) => one.author !== "visitor" && one.order > seen).length;
  }

  /** Is there an answer that the bot could send by e-mail? */
  get canMail() {
    return this.server.canMail && this.messages.some((one) => one.author !== "visitor");
  }

  get seen() {
    const kept = recall("seen");
    return kept && kept.visitor === this.visitor ? Number(kept.order) : 0;
  }

  /** Begin to listen. */
  start() {
    this.stream.start();
    void this.outbox.flush();
  }

  /** Somebody else is at this browser now: show nothing of who was before. */
  restart() {
    this.byKey.clear();
    this.state = calm();
    this.stream.restart();
    this.changed();
  }

  /**
   * @param {string} text
   * @param {import("./outbox.js").Wish} [wish]
   */
  say(text, wish = "") {
    this.outbox.add(text, wish);
    this.start();
  }

  /** @param {Iterable<globalThis.File>} files */
  attach(files) {
    this.refusal = null;
    this.uploads.add(files);
    this.start();
  }

  /** All of ours up to this one was on the screen. @param {Message} message */
  sawUpTo(message) {
    if (message.order <= this.seen) return;
    for (const one of this.messages) {
      if (one.oid && one.order > this.seen && one.order <= message.order) this.read.add(one.oid);
    }
    keep("seen", { visitor: this.visitor, order: message.order });
    this.report();
    this.changed();
  }

  /**
   * @param {string} event
   * @param {any} data
   */
  hear(event, data) {
    this.becomes(recall("session")?.visitor ?? "");
    if (event === "state") this.state = data;
    else if (event === "message") this.take(data);
    this.changed();
  }

  /** @param {string} visitor */
  becomes(visitor) {
    if (visitor === this.visitor) return;
    if (this.visitor) this.byKey.clear();
    if (this.visitor) this.uploads.clear();
    this.visitor = visitor;
    this.outbox.onlyOf(visitor);
  }

  /** @param {Message} message */
  take(message) {
    if (this.byKey.has(message.key)) return;
    this.byKey.set(message.key, message);
    if (message.cid) this.outbox.done(message.cid);
    if (message.cid) this.uploads.done(message.cid);
    if (message.oid && message.order > this.seen) {
      this.delivered.add(message.oid);
      this.report();
    }
  }

  /** @param {boolean} up */
  link(up) {
    if (up === this.isLinked) return;
    this.isLinked = up;
    if (up) void this.outbox.flush();
    if (up) void this.uploads.flush();
    this.changed();
  }

  /** Tell the bot what was shown; a little later, with whatever else is. */
  report() {
    this.timer ??= setTimeout(() => this.sendMarks(), GATHER);
  }

  async sendMarks() {
    this.timer = undefined;
    const delivered = [...this.delivered].slice(0, MOST_MARKS);
    const read = [...this.read].slice(0, MOST_MARKS);
    if (!delivered.length && !read.length) return;
    try {
      await this.server.post("marks", { delivered, read });
    } catch {
      return; // said again with the next ones
    }
    for (const oid of delivered) this.delivered.delete(oid);
    for (const oid of read) this.read.delete(oid);
    if (this.delivered.size || this.read.size) this.report();
  }
}

/** @returns {State} how things stand while nothing is known */
function calm() {
  return { phase: "assistant", agent: null, position: null, wait_minutes: null, typing: false, delivered: 0, read: 0 };
}

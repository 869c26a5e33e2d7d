/** Files on their way to the bot, one by one, each with its own id. They wait in this page alone: too large to be kept. */

import { Refused } from "./server.js";

const SHORTEST = 1000;
const LONGEST = 15_000;
/** Milliseconds for one file. */
const PATIENCE = 120_000;

/** @typedef {{id: string, name: string, file: File, at: number}} Upload */

export class Uploads {
  /**
   * @param {import("./server.js").Server} server
   * @param {() => void} changed
   * @param {(name: string, why: string) => void} refused
   */
  constructor(server, changed, refused) {
    this.server = server;
    this.changed = changed;
    this.refused = refused;
    this.isSending = false;
    this.failures = 0;
    /** @type {Upload[]} */
    this.waiting = [];
    /** Ids that the bot has stored. @type {Set<string>} */
    this.sent = new Set();
    addEventListener("online", () => this.flush());
  }

  /** @param {Iterable<File>} files */
  add(files) {
    for (const file of files) {
      this.waiting.push({ id: crypto.randomUUID(), name: file.name, file, at: Date.now() });
    }
    this.changed();
    void this.flush();
  }

  /** It is in the conversation, or will never be. @param {string} id */
  done(id) {
    this.waiting = this.waiting.filter((one) => one.id !== id);
  }

  /** Somebody else is at this browser now. */
  clear() {
    this.waiting = [];
  }

  async flush() {
    if (this.isSending) return;
    this.isSending = true;
    try {
      for (let next = this.next(); next; next = this.next()) {
        if (!(await this.send(next))) return;
      }
    } finally {
      this.isSending = false;
    }
  }

  next() {
    return this.waiting.find((one) => !this.sent.has(one.id));
  }

  /**
   * True when the next one may go on.
   * @param {Upload} upload
   */
  async send({ id, name, file }) {
    const query = new URLSearchParams({ id, name });
    const headers = { "Content-Type": file.type || "application/octet-stream" };
    const signal = AbortSignal.timeout(PATIENCE);
    try {
      await this.server.request(`files?${query}`, { method: "POST", body: file, headers, signal });
    } catch (error) {
      return this.failed(id, name, error);
    }
    this.failures = 0;
    this.sent.add(id);
    this.changed();
    return true;
  }

  /**
   * @param {string} id
   * @param {string} name
   * @param {unknown} error
   */
  failed(id, name, error) {
    if (error instanceof Refused && !error.isPassing) {
      this.done(id);
      this.refused(name, error.words);
      return true;
    }
    const asked = error instanceof Refused ? error.retryAfter * 1000 : 0;
    this.failures += 1;
    setTimeout(() => this.flush(), Math.max(asked, Math.min(LONGEST, SHORTEST * 2 ** this.failures)));
    return false;
  }
}

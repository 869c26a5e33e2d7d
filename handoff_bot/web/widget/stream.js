/** News from the bot as it comes: a stream where the network lets one through, polls where not. */

import { Refused } from "./server.js";

/** Milliseconds within which a stream must say something; the server does so every 20 s. */
const SILENCE = 50_000;
/** Milliseconds within which a stream must begin; a proxy that keeps it back is found out so. */
const BEGIN = 10_000;
const SHORTEST = 500;
const LONGEST = 30_000;
/** Milliseconds after which streaming is tried again where it did not work. */
const STREAM_AGAIN = 300_000;
const POLL_SECONDS = 25;
/** Milliseconds between two polls where the bot has no room to let one wait. */
const POLL_PAUSE = 4_000;

/**
 * @typedef {object} Hearer
 * @property {(event: string, data: any) => void} hear
 * @property {(up: boolean) => void} link the connection has come or gone
 */

export class Stream {
  /**
   * @param {import("./server.js").Server} server
   * @param {Hearer} hearer
   */
  constructor(server, hearer) {
    this.server = server;
    this.hearer = hearer;
    this.cursor = "";
    this.failures = 0;
    this.noStreamUntil = 0;
    this.isRunning = false;
    this.isRestarting = false;
    this.stop = new AbortController();
    this.wake = () => {};
  }

  /** Begin to listen; goes on for ever, over all troubles. */
  start() {
    if (this.isRunning) return;
    this.isRunning = true;
    this.stop = new AbortController();
    addEventListener("online", () => this.wake());
    addEventListener("visibilitychange", () => this.wake());
    void this.run();
  }

  /** Listen to somebody else's conversation from its beginning. */
  restart() {
    this.cursor = "";
    this.isRestarting = true;
    this.stop.abort();
    this.stop = new AbortController();
    this.wake();
  }

  async run() {
    for (;;) {
      try {
        await (Date.now() < this.noStreamUntil ? this.poll() : this.listen());
        await this.pause(SHORTEST / 2); // whatever ended, it must never become a loop without rest
      } catch (error) {
        await this.recover(error);
      }
    }
  }

  /** @param {unknown} error */
  async recover(error) {
    if (this.isRestarting) {
      this.isRestarting = false;
      return;
    }
    const full = error instanceof Refused && error.status === 503;
    const isThere = error instanceof Refused && error.status > 0;
    if (full || error instanceof Silent) this.noStreamUntil = Date.now() + STREAM_AGAIN;
    if (error instanceof Silent) return;
    this.hearer.link(isThere);
    this.failures += 1;
    const asked = error instanceof Refused ? error.retryAfter * 1000 : 0;
    const backoff = Math.min(LONGEST, SHORTEST * 2 ** this.failures);
    await this.pause(Math.max(asked, backoff * (0.5 + Math.random() / 2)));
  }

  /** @param {number} ms */
  pause(ms) {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.wake = () => {
        clearTimeout(timer);
        resolve(undefined);
      };
    });
  }

  /** One stream, until it ends. */
  async listen() {
    const watch = new AbortController();
    let isBegun = false;
    let timer = setTimeout(() => watch.abort(), BEGIN);
    const alive = () => {
      isBegun = true;
      clearTimeout(timer);
      timer = setTimeout(() => watch.abort(), SILENCE);
    };
    try {
      const response = await this.server.request("events", {
        headers: this.cursor ? { "Last-Event-ID": this.cursor } : {},
        signal: AbortSignal.any([watch.signal, this.stop.signal]),
      });
      await this.read(response, alive);
    } catch (error) {
      if (watch.signal.aborted && !isBegun && navigator.onLine) throw new Silent();
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  /**
   * @param {Response} response
   * @param {() => void} alive
   */
  async read(response, alive) {
    const reader = /** @type {ReadableStream<Uint8Array>} */ (response.body).getReader();
    const decoder = new TextDecoder();
    let rest = "";
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      alive();
      this.up();
      rest += decoder.decode(value, { stream: true });
      const blocks = rest.split("\n\n");
      rest = blocks.pop() ?? "";
      for (const block of blocks) this.take(block);
    }
  }

  /** @param {string} block one event as it is written */
  take(block) {
    /** @type {Record<string, string>} */
    const fields = {};
    for (const line of block.split("\n")) {
      const at = line.indexOf(": ");
      if (at > 0) fields[line.slice(0, at)] = line.slice(at + 2);
    }
    if (fields.event) this.hearer.hear(fields.event, JSON.parse(fields.data ?? "null"));
    if (fields.id) this.cursor = fields.id;
  }

  async poll() {
    const query = new URLSearchParams({ after: this.cursor, wait: String(POLL_SECONDS) });
    const signal = AbortSignal.any([this.stop.signal, AbortSignal.timeout(SILENCE)]);
    const began = Date.now();
    const response = await this.server.request(`poll?${query}`, { signal });
    const { cursor, events } = await response.json();
    this.up();
    for (const { event, data } of events) this.hearer.hear(event, data);
    this.cursor = cursor;
    const isNew = events.some((/** @type {{event: string}} */ one) => one.event === "message");
    if (!isNew && Date.now() - began < POLL_PAUSE / 2) await this.pause(POLL_PAUSE);
  }

  up() {
    this.failures = 0;
    this.hearer.link(true);
  }
}

/** A stream that was taken and never said anything: something on the way keeps it back. */
class Silent extends Error {}

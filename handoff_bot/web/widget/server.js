/** Talks to the bot: sessions, requests, and the errors that come back. */

import { keep, recall } from "./store.js";

const TIMEOUT = 20_000;
/** Milliseconds before its end at which a session is renewed. */
const EARLY = 60_000;

/** The server has refused, or could not be reached (status 0). */
export class Refused extends Error {
  /**
   * @param {number} status
   * @param {string} code
   * @param {number} retryAfter seconds, 0 when not said
   * @param {string} [words] what the bot says about it
   */
  constructor(status, code, retryAfter, words = "") {
    super(code);
    this.status = status;
    this.code = code;
    this.retryAfter = retryAfter;
    this.words = words;
  }

  /** Can the same request succeed later? */
  get isPassing() {
    return this.status === 0 || this.status === 429 || this.status >= 500;
  }
}

/**
 * Do something that only one tab of this browser may do at a time, or two visitors would begin.
 * @template Result
 * @param {() => Promise<Result>} act
 * @returns {Promise<Result>}
 */
async function alone(act) {
  if (!navigator.locks) return act();
  return await navigator.locks.request("handoff:session", act);
}

/** @typedef {{token: string, visitor: string, until: number}} Session */

export class Server {
  /** @param {URL} base the address of /chat/ */
  constructor(base) {
    this.base = base;
    this.identity = "";
    this.maxLength = 4000;
    /** @type {Promise<Session> | null} */
    this.beginning = null;
  }

  /** Has this browser talked before? @returns {boolean} */
  get isKnown() {
    return recall("session") !== null;
  }

  /** Can the bot send e-mail? @returns {boolean} */
  get canMail() {
    return recall("session")?.transcript === true;
  }

  /**
   * Another customer of the website; what was kept of the last one is forgotten.
   * @param {string} identity
   */
  identify(identity) {
    if (identity !== this.identity) keep("session", undefined);
    this.identity = identity;
  }

  /** A session that lives, begun or renewed if need be; all who ask at once share one. @returns {Promise<Session>} */
  session() {
    const living = this.living();
    if (living) return Promise.resolve(living);
    this.beginning ??= alone(async () => this.living() ?? this.begin(recall("session"))).finally(() => {
      this.beginning = null;
    });
    return this.beginning;
  }

  /** The session that is kept, if it is this visitor's and lives. @returns {Session | null} */
  living() {
    const kept = recall("session");
    const isGood = kept && kept.until - EARLY > Date.now() && kept.identity === this.identity;
    return isGood ? kept : null;
  }

  /**
   * @param {any} before
   * @returns {Promise<Session>}
   */
  async begin(before) {
    const known = before && before.identity === this.identity ? before.token : "";
    const body = this.identity ? { identity: this.identity } : {};
    let response;
    try {
      response = await this.fetch("session", { method: "POST", body: JSON.stringify(body) }, known);
    } catch (error) {
      if (!(error instanceof Refused && error.code === "identity")) throw error;
      this.identity = ""; // the website's word has expired: nothing of its customer may be shown
      response = await this.fetch("session", { method: "POST", body: "{}" }, "");
    }
    const got = await response.json();
    this.maxLength = got.max_length;
    const session = {
      token: got.token,
      visitor: got.visitor,
      until: Date.now() + got.expires_in * 1000,
      identity: this.identity,
      transcript: got.transcript === true,
    };
    keep("session", session);
    return session;
  }

  /**
   * One request with the session; renewed once when the server does not believe it any more.
   * @param {string} path
   * @param {RequestInit} [options]
   * @returns {Promise<Response>}
   */
  async request(path, options = {}) {
    const session = await this.session();
    try {
      return await this.fetch(path, options, session.token);
    } catch (error) {
      if (!(error instanceof Refused && error.status === 401)) throw error;
      keep("session", { ...session, until: 0, identity: this.identity });
      return this.fetch(path, options, (await this.session()).token);
    }
  }

  /**
   * @param {string} path
   * @param {object} content
   */
  post(path, content) {
    return this.request(path, { method: "POST", body: JSON.stringify(content) });
  }

  /**
   * @param {string} path
   * @param {RequestInit} options
   * @param {string} token
   * @returns {Promise<Response>}
   */
  async fetch(path, options, token) {
    const headers = new Headers(options.headers);
    if (token) headers.set("Authorization", `Bearer ${token}`);
    if (options.body && !headers.has("Content-Type")) headers.set("Content-Type", "application/json");
    let response;
    try {
      response = await fetch(new URL(path, this.base), {
        signal: AbortSignal.timeout(TIMEOUT),
        credentials: "omit",
        cache: "no-store",
        ...options,
        headers,
      });
    } catch {
      throw new Refused(0, "unreachable", 0);
    }
    if (response.ok) return response;
    const said = await response.json().catch(() => ({}));
    throw new Refused(
      response.status,
      String(said.error ?? "error"),
      Number(response.headers.get("Retry-After") ?? 0),
      String(said.message ?? ""),
    );
  }
}

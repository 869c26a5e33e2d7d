/**
 * What the page and its server say to each other.
 *
 * The server mirrors the whole world as keys with values. `GET /sandbox/api/state` answers
 * `{revision, values}`; `GET /sandbox/api/events` streams `event: values`, `id: <revision>`,
 * `data: {key: value | null, …}` (null: the key is gone) for whatever changed, and begins with all of it.
 * Whatever a person does is `POST /sandbox/api/do/<action>` with a JSON object; the answer is
 * `{ok: true, result}` or `{ok: false, error}` with words for a person.
 */

/** The sandbox's state; key "world". */
export interface World {
  /** The sandbox's time (seconds since the epoch) at the moment `sent_at` (real time, the same unit). */
  now: number;
  sent_at: number;
  /** Seconds that the clock has been moved forward. */
  offset: number;
  bot: { state: "starting" | "up" | "down"; url: string };
  /** The address of the shop with the chat widget. */
  shop_url: string;
  queue: string;
  bot_user: string;
  numbers: { sms: string; whatsapp: string };
  faults: FaultSwitch[];
  scripts: Script[];
  commands: Command[];
  shortcuts: Shortcut[];
}

/** A fault that can be switched; with the action "fault". */
export interface FaultSwitch {
  name: string;
  label: string;
  help: string;
  on: boolean;
}

/** A scripted customer; started with the action "script". */
export interface Script {
  name: string;
  label: string;
  help: string;
  running: boolean;
}

/** A slash command, for completion. */
export interface Command {
  command: string;
  description: string;
  usage_hint: string;
}

/** A job in the bot's database; `due_at` in UTC, as SQLite writes it. */
export interface Job {
  id: number;
  kind: string;
  lane: string;
  status: "ready" | "done" | "failed" | "dismissed";
  attempts: number;
  error: string;
  due_at: string;
}

/** A request that the AI made to a system of the team. */
export interface LookUp {
  id: number;
  name: string;
  /** "" once the admin has deleted its definition. */
  address: string;
  /** "ok", or why there is no result. */
  outcome: string;
  milliseconds: number;
  /** What the AI, the agents and the customer got of the answer. */
  shown: string;
}

/** A message shortcut or a global shortcut of the app. */
export interface Shortcut {
  name: string;
  type: "message" | "global";
  callback_id: string;
  description: string;
}

/** Key "people": all people in Slack. */
export interface Person {
  id: string;
  name: string;
  real_name: string;
  is_admin: boolean;
  is_bot: boolean;
  presence: "active" | "away";
  /** End of do-not-disturb in seconds since the epoch; 0 or past for none. */
  dnd_until: number;
  /** Whether they are deactivated. */
  deleted: boolean;
}

/** Key "groups": the user groups. */
export interface UserGroup {
  id: string;
  handle: string;
  name: string;
  members: string[];
}

/** Key "channels": slack_channels, and direct messages with the app (`is_im`, then `user` says whose). */
export interface SlackChannel {
  id: string;
  name: string;
  is_private: boolean;
  is_im: boolean;
  is_archived: boolean;
  user: string;
  members: string[];
  pins: string[];
}

/** Key "channel:<id>": all messages of a slack_channel, replies among them, oldest first: Slack's own objects. */
export interface SlackMessage {
  ts: string;
  thread_ts?: string;
  user?: string;
  bot_id?: string;
  username?: string;
  icons?: { emoji?: string; image_64?: string };
  text: string;
  blocks?: SlackBlock[];
  subtype?: string;
  edited?: { user: string; ts: string };
  reactions?: { name: string; users: string[]; count: number }[];
  files?: SlackFile[];
  [more: string]: unknown;
}

export type SlackBlock = { type: string; block_id?: string } & Record<string, unknown>;

export interface SlackFile {
  id: string;
  name: string;
  mimetype: string;
  size: number;
  /** The address for the page. */
  sandbox_url: string;
  [more: string]: unknown;
}

/** Key "private:<user>": what only one person sees. */
export interface Private {
  /** Each with its `channel`, and `thread_ts` in a thread. */
  ephemerals: (SlackMessage & { channel: string })[];
  /** Open modals, the top one last. */
  views: SlackView[];
  home: SlackView | null;
  /** Choices in messages: ts -> block_id -> action_id -> Slack's state object. */
  chosen: Record<string, SlackView["state"]["values"]>;
}

export interface SlackView {
  id: string;
  type: "modal" | "home";
  callback_id: string;
  blocks: SlackBlock[];
  title?: { text: string };
  submit?: { text: string } | null;
  close?: { text: string } | null;
  /** Input: block_id -> action_id -> Slack's state object. */
  state: { values: Record<string, Record<string, Record<string, unknown>>> };
  [more: string]: unknown;
}

/** Key "mail": the e-mails to the team, newest first. */
export interface Letter {
  id: number;
  /** In seconds since the epoch. */
  at: number;
  to: string;
  subject: string;
  text: string;
}

/** Key "phones": the customers with a phone. */
export interface Phone {
  address: string;
  name: string;
}

export type PhoneApp = "whatsapp" | "sms";

/** Key "phone:<app>:<address>": the messages on this phone, oldest first. */
export interface PhoneMessage {
  sid: string;
  direction: "inbound" | "outbound";
  body: string;
  /** Twilio's word, e.g. "received", "queued", "sent", "delivered", "read", "undelivered", "failed". */
  status: string;
  error_code: number | null;
  at: number;
  media: { url: string; content_type: string; name: string }[];
  by_carrier: boolean;
}

/** Key "typing:<app>:<address>": whether the business is typing. */
export type Typing = boolean;

/** Key "journal": the number of entries. The entries: `GET /sandbox/api/journal?after=<number>`. */
export interface JournalHead {
  total: number;
}

/** One exchange. `in`: the bot asked a stand-in; `out`: a stand-in called the bot. */
export interface JournalEntry {
  number: number;
  at: number;
  who: string;
  direction: "in" | "out";
  method: string;
  path: string;
  status: number;
  request: unknown;
  response: unknown;
  /** Names of the conversations it belongs to: phone addresses, threads' ts. */
  about: string[];
}

/** Files to attach: chosen by the visitor, read in the browser. */
export interface Attachment {
  name: string;
  content_type: string;
  /** base64 */
  content: string;
}

/** Every action with its arguments. `user` and `channel` are Slack's ids. */
export interface Actions {
  "phone.write": { app: PhoneApp; address: string; text: string; media?: Attachment[] };
  "phone.add": { name: string };
  "slack.say": {
    user: string;
    channel: string;
    text: string;
    thread_ts?: string;
    broadcast?: boolean;
    files?: Attachment[];
  };
  "slack.edit": { user: string; channel: string; ts: string; text: string };
  "slack.delete": { user: string; channel: string; ts: string };
  "slack.react": { user: string; channel: string; ts: string; name: string };
  "slack.pin": { user: string; channel: string; ts: string };
  /** A button in a message; `value` picks one of several with the same action_id. */
  "slack.click": { user: string; channel: string; ts: string; action_id: string; value?: string };
  /** A menu in a message: an option's value, an id, or a list of them. */
  "slack.select": { user: string; channel: string; ts: string; action_id: string; choice: unknown };
  "slack.click_ephemeral": { user: string; ts: string; action_id: string; value?: string };
  "slack.select_ephemeral": { user: string; ts: string; action_id: string; choice: unknown };
  /** `values` are the fields that were filled in before, as in "slack.submit". */
  "slack.click_view": {
    user: string;
    view_id: string;
    action_id: string;
    value?: string;
    values?: Record<string, unknown>;
  };
  "slack.select_view": {
    user: string;
    view_id: string;
    action_id: string;
    choice: unknown;
    values?: Record<string, unknown>;
  };
  /** The bot's suggestions for typed text: the result is `{options, option_groups}`. */
  "slack.suggest": {
    user: string;
    action_id: string;
    typed: string;
    view_id?: string;
    channel?: string;
    ts?: string;
  };
  /** `values` by action_id or block_id, null empties one. The result is `{errors: {block_id: text}}`. */
  "slack.submit": { user: string; view_id: string; values: Record<string, unknown> };
  "slack.close": { user: string; view_id: string; and_below?: boolean };
  "slack.command": { user: string; channel: string; command: string; text: string };
  "slack.shortcut": { user: string; callback_id: string; channel?: string; ts?: string };
  /** The result is `{channel}`, the direct messages with the app. */
  "slack.home": { user: string; tab: "home" | "messages" };
  /** The result is `{channel}`. */
  "slack.create_channel": { user: string; name: string; is_private?: boolean };
  /** Adds the app to a slack_channel, or removes it. */
  "slack.invite": { user: string; channel: string };
  "slack.remove": { user: string; channel: string };
  "slack.presence": { user: string; presence: "active" | "away" };
  /** 0 ends it. */
  "slack.snooze": { user: string; minutes: number };
  fault: { name: string; on: boolean };
  clock: { forward: number };
  script: { name: string };
  /** Kill the bot as `kill -9` does, or start it again. */
  "bot.kill": Record<string, never>;
  "bot.start": Record<string, never>;
}

export type Done = { ok: true; result: Record<string, unknown> } | { ok: false; error: string };

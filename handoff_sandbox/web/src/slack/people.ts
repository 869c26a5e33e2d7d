/** Who somebody is, in the workspace that the page shows. */

import { createContext, useContext } from "react";
import type { Person, SlackChannel, SlackMessage, UserGroup } from "../api";

/** What every part of Slack's side knows: who looks, who is there, and the world's time. */
export interface Scene {
  me: string;
  people: Person[];
  channels: SlackChannel[];
  groups: UserGroup[];
  /** The app's user. */
  app: string;
  /** Seconds since the epoch; whole minutes are enough. */
  now: number;
  /** Show a thread. */
  open: (channel: string, ts: string) => void;
}

const Nobody: Scene = { me: "", people: [], channels: [], groups: [], app: "", now: 0, open: () => undefined };

/** Given to everything inside Slack's side. */
export const SceneContext = createContext<Scene>(Nobody);

/** The scene one is in. */
export function useScene(): Scene {
  return useContext(SceneContext);
}

/** What somebody is called, "Somebody" when nobody knows. */
export function nameOf(scene: Scene, id: string | undefined): string {
  const person = scene.people.find((one) => one.id === id);
  return person?.real_name || person?.name || "Somebody";
}

/** Whose message it is, as it is shown above it. */
export function authorOf(scene: Scene, message: SlackMessage): string {
  return message.username || nameOf(scene, message.user);
}

/** Is it the beginning of a thread, or in the channel itself? */
export function isInChannel(message: SlackMessage): boolean {
  const root = !message.thread_ts || message.thread_ts === message.ts;
  return root || message.subtype === "thread_broadcast";
}

/** The replies below a message, oldest first. */
export function repliesTo(messages: SlackMessage[], ts: string): SlackMessage[] {
  return messages.filter((one) => one.thread_ts === ts && one.ts !== ts);
}

/** What a slack_channel is called. */
export function channelName(channel: SlackChannel): string {
  return channel.is_im ? "Handoff" : channel.name;
}

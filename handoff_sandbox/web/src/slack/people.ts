/** People of the workspace. */

import { createContext, useContext } from "react";
import type { Person, SlackChannel, SlackMessage, UserGroup } from "../api";

/** The context of Slack's side: the current person, all people, and the sandbox's time. */
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

/** Returns the context. */
export function useScene(): Scene {
  return useContext(SceneContext);
}

/** Returns a person's name, "Unknown" for an unknown id. */
export function nameOf(scene: Scene, id: string | undefined): string {
  const person = scene.people.find((one) => one.id === id);
  return person?.real_name || person?.name || "Unknown";
}

/** Returns the name above a message. */
export function authorOf(scene: Scene, message: SlackMessage): string {
  return message.username || nameOf(scene, message.user);
}

/** Whether it is in the channel itself, also as the first message of a thread. */
export function isInChannel(message: SlackMessage): boolean {
  const root = !message.thread_ts || message.thread_ts === message.ts;
  return root || message.subtype === "thread_broadcast";
}

/** The replies below a message, oldest first. */
export function repliesTo(messages: SlackMessage[], ts: string): SlackMessage[] {
  return messages.filter((one) => one.thread_ts === ts && one.ts !== ts);
}

/** Returns the name of a slack_channel. */
export function channelName(channel: SlackChannel): string {
  return channel.is_im ? "Handoff" : channel.name;
}

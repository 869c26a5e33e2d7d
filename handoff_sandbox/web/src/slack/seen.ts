/** What a person has read in this window, by "<user>:<slack_channel>" and "<user>:<slack_channel>:<thread>": a ts. */

import { useEffect } from "react";
import type { SlackMessage } from "../api";
import { isText, recordOf, useRemembered } from "../shell/remembered";
import { useValue } from "../store";
import { isInChannel, repliesTo } from "./people";

export type Seen = Record<string, string>;

const NOTHING: SlackMessage[] = [];

/** Marks as read what is on the screen: the channel, and the thread that is open beside it. */
export function useSeen(me: string, channel: string, thread: string, isShown: boolean): Seen {
  const [seen, setSeen] = useRemembered<Seen>("slack.seen", {}, recordOf(isText));
  const messages = useValue<SlackMessage[]>(`channel:${channel}`) ?? NOTHING;
  const newest = isShown ? messages.filter(isInChannel).at(-1)?.ts : undefined;
  const reply = isShown && thread ? (repliesTo(messages, thread).at(-1)?.ts ?? thread) : undefined;
  useEffect(() => {
    const read = {
      ...(newest ? { [`${me}:${channel}`]: newest } : {}),
      ...(reply ? { [`${me}:${channel}:${thread}`]: reply } : {}),
    };
    if (Object.keys(read).length) setSeen((before) => ({ ...before, ...read }));
  }, [me, channel, thread, newest, reply, setSeen]);
  return seen;
}

/** Other people's messages that this person has not read; of replies, those in threads that they have opened. */
export function freshIn(seen: Seen, me: string, channel: string, messages: SlackMessage[]): SlackMessage[] {
  return messages.filter((one) => {
    if (one.user === me && !one.bot_id) return false;
    const last = isInChannel(one) ? (seen[`${me}:${channel}`] ?? "0") : seen[`${me}:${channel}:${one.thread_ts}`];
    return last !== undefined && Number(one.ts) > Number(last);
  });
}

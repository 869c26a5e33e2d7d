/** A slack_channel, and a thread beside it. */

import type { ReactNode } from "react";
import type { Private, SlackChannel, SlackMessage } from "../api";
import { useStickToEnd } from "../shell/stick";
import { useValue } from "../store";
import { Composer } from "./Composer";
import { Head } from "./Head";
import { Membership, Uninvited } from "./Membership";
import { Message } from "./Message";
import { channelName, isInChannel, repliesTo, useScene } from "./people";
import { freshIn, type Seen } from "./seen";

const NOTHING: SlackMessage[] = [];

interface ChannelProps {
  channel: SlackChannel;
  seen: Seen;
  onThread: (ts: string) => void;
  onBack: () => void;
}

export function Channel({ channel, seen, onThread, onBack }: ChannelProps) {
  const messages = useValue<SlackMessage[]>(`channel:${channel.id}`) ?? NOTHING;
  const { me } = useScene();
  const shown = messages.filter(isInChannel);
  const ephemerals = useEphemerals(channel.id, undefined);
  const name = channelName(channel);
  const title = channel.is_im ? name : `# ${name}`;
  return (
    <section className="sl-pane sl-channel" aria-label={channel.is_im ? name : `Channel ${name}`}>
      <Head title={title} onBack={onBack} back="Back to the list">
        <Membership channel={channel} />
      </Head>
      <Uninvited channel={channel} />
      <Log label={`Messages in ${name}`} pull={lastOf(me, shown, ephemerals)}>
        <Pinned channel={channel} messages={messages} onThread={onThread} />
        {withEphemerals(shown, ephemerals).map(([message, isEphemeral]) => (
          <Message
            key={message.ts}
            message={message}
            channel={channel.id}
            isEphemeral={isEphemeral}
            isPinned={channel.pins.includes(message.ts)}
            replies={repliesTo(messages, message.ts).length}
            fresh={freshIn(seen, me, channel.id, repliesTo(messages, message.ts)).length}
            onThread={isEphemeral ? undefined : () => onThread(message.thread_ts ?? message.ts)}
          />
        ))}
      </Log>
      <Composer key={channel.id} channel={channel.id} label={`Message ${name}`} />
    </section>
  );
}

interface ThreadProps {
  channel: SlackChannel;
  ts: string;
  onClose: () => void;
}

export function Thread({ channel, ts, onClose }: ThreadProps) {
  const messages = useValue<SlackMessage[]>(`channel:${channel.id}`) ?? NOTHING;
  const root = messages.find((one) => one.ts === ts);
  const replies = repliesTo(messages, ts);
  const { me } = useScene();
  const ephemerals = useEphemerals(channel.id, ts);
  if (!root) return null;
  return (
    <section className="sl-pane sl-thread" aria-label="Thread">
      <Head title="Thread" onClose={onClose} />
      <Log label="Messages in the thread" pull={lastOf(me, replies, ephemerals)}>
        <Message message={root} channel={channel.id} isPinned={channel.pins.includes(root.ts)} />
        <p className="sl-event">{replies.length === 1 ? "1 reply" : `${replies.length} replies`}</p>
        {withEphemerals(replies, ephemerals).map(([message, isEphemeral]) => (
          <Message key={message.ts} message={message} channel={channel.id} isEphemeral={isEphemeral} />
        ))}
      </Log>
      <Composer key={ts} channel={channel.id} thread={ts} label="Reply…" />
    </section>
  );
}

function useEphemerals(channel: string, thread: string | undefined): SlackMessage[] {
  const { me } = useScene();
  const mine = useValue<Private>(`private:${me}`)?.ephemerals ?? [];
  return mine.filter((one) => one.channel === channel && one.thread_ts === thread);
}

function withEphemerals(messages: SlackMessage[], ephemerals: SlackMessage[]): [SlackMessage, boolean][] {
  const all: [SlackMessage, boolean][] = [
    ...messages.map((one): [SlackMessage, boolean] => [one, false]),
    ...ephemerals.map((one): [SlackMessage, boolean] => [one, true]),
  ];
  return all.sort(([one], [other]) => Number(one.ts) - Number(other.ts));
}

interface PinnedProps {
  channel: SlackChannel;
  messages: SlackMessage[];
  onThread: (ts: string) => void;
}

function Pinned({ channel, messages, onThread }: PinnedProps) {
  const pinned = messages.filter((one) => channel.pins.includes(one.ts));
  if (!pinned.length) return null;
  return (
    <p className="sl-pins">
      <span aria-hidden="true">📌</span> Pinned:{" "}
      {pinned.map((one) => (
        <button key={one.ts} type="button" className="sl-link" onClick={() => onThread(one.ts)}>
          {one.text.slice(0, 60)}
        </button>
      ))}
    </p>
  );
}

/** The newest of what this person has written, or asked for with a command. */
function lastOf(me: string, messages: SlackMessage[], ephemerals: SlackMessage[]): string {
  const mine = messages.filter((one) => one.user === me && !one.bot_id);
  return `${mine.at(-1)?.ts} ${ephemerals.at(-1)?.ts}`;
}

/** Messages, scrolled to the end unless the person reads further up; `pull` goes to the end in any case. */
function Log({ label, pull, children }: { label: string; pull: string; children: ReactNode }) {
  const { frame, content, onScroll } = useStickToEnd(pull);
  return (
    <div ref={frame} className="sl-log" role="log" aria-label={label} tabIndex={0} onScroll={onScroll}>
      <div ref={content}>{children}</div>
    </div>
  );
}

/** The messages of a phone, oldest first, scrolled to the end. */

import { Fragment } from "react";
import type { PhoneApp, PhoneMessage, Typing } from "../api";
import { useStickToEnd } from "../shell/stick";
import { dayOf } from "../shell/time";
import { useValue } from "../store";
import { Bubble } from "./Bubble";
import { phoneKey } from "./choice";

const OPENERS = [
  "Hi! How long does delivery take?",
  "I want to talk to a person",
  "My parcel arrived broken. This is the second time!",
];

const NONE: PhoneMessage[] = [];

interface Props {
  app: PhoneApp;
  address: string;
  onOpener: (words: string) => void;
}

/** The messages of one phone and app; without any, suggestions to start with. */
export function Messages({ app, address, onOpener }: Props) {
  const messages = useValue<PhoneMessage[]>(phoneKey(app, address)) ?? NONE;
  const typing = useValue<Typing>(`typing:${app}:${address}`) ?? false;
  const ownLast = messages.findLast((one) => one.direction === "inbound")?.sid;
  const { frame, content, onScroll } = useStickToEnd(ownLast);
  return (
    <div
      className="screen"
      ref={frame}
      onScroll={onScroll}
      tabIndex={0}
      role="log"
      aria-label="Messages"
    >
      <div ref={content}>
        {!messages.length && <Openers onOpener={onOpener} />}
        <ol className="bubbles">
          {messages.map((message, index) => (
            <Fragment key={message.sid}>
              <Day at={message.at} before={messages[index - 1]?.at} />
              <Bubble message={message} app={app} />
            </Fragment>
          ))}
        </ol>
        {typing && <TypingDots />}
      </div>
    </div>
  );
}

function TypingDots() {
  return (
    <p className="typing">
      <span className="unseen">They are typing</span>
      <i />
      <i />
      <i />
    </p>
  );
}

function Day({ at, before }: { at: number; before: number | undefined }) {
  const day = dayOf(at);
  if (before !== undefined && dayOf(before) === day) return null;
  return <li className="day">{day}</li>;
}

function Openers({ onOpener }: { onOpener: Props["onOpener"] }) {
  return (
    <div className="openers">
      <p>No messages yet. Write one, or start with one of these:</p>
      {OPENERS.map((words) => (
        <button key={words} type="button" onClick={() => onOpener(words)}>
          {words}
        </button>
      ))}
    </div>
  );
}

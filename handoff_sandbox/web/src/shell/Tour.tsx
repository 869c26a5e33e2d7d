/** The guided tour for a first visit: about three minutes, one step at a time. */

import { useState } from "react";
import type { Place } from "./TabBar";

interface Step {
  place: Place;
  title: string;
  words: string;
}

const STEPS: Step[] = [
  {
    place: "phone",
    title: "Write as the customer",
    words: "Ask “How long does delivery take?” on the phone. The AI answers from the shop's articles.",
  },
  {
    place: "phone",
    title: "Ask for a person",
    words: "Write “I want to talk to a person”. The AI stops, and the customer learns how long the wait is.",
  },
  {
    place: "slack",
    title: "Take the conversation over",
    words: "A card has appeared in # queue. Press Take Over: now you are the agent, and the AI is silent.",
  },
  {
    place: "slack",
    title: "Answer in the thread",
    words: "Open the replies below the card, and write. Your reply reaches the phone; its mark says when it was read.",
  },
  {
    place: "slack",
    title: "Resolve it",
    words: "Press Resolve on the card. The customer is asked for a rating, and the AI answers again.",
  },
  {
    place: "website",
    title: "The same on a website",
    words: "Open the chat in the lower corner of the shop, and press “Talk to a person”.",
  },
  {
    place: "backstage",
    title: "Look behind the scenes",
    words: "Every request, job and e-mail is listed. Move the clock, or switch on a fault: nothing is lost.",
  },
];

interface Props {
  onShow: (place: Place) => void;
  /** It is over, or was skipped. */
  onDone: () => void;
}

export function Tour({ onShow, onDone }: Props) {
  const [at, setAt] = useState(0);
  const step = STEPS[at]!;
  const go = (next: number) => {
    setAt(next);
    onShow(STEPS[next]!.place);
  };
  const isLast = at === STEPS.length - 1;
  return (
    <section className="tour" aria-label="Guided tour">
      <span className="tour-number" aria-hidden="true">
        {at + 1}
      </span>
      <div className="tour-step" role="status">
        <strong>
          <span className="unseen">
            Step {at + 1} of {STEPS.length}:{" "}
          </span>
          {step.title}
        </strong>
        <p>{step.words}</p>
      </div>
      <div className="tour-buttons">
        <span className="help" aria-hidden="true">
          {at + 1} of {STEPS.length}
        </span>
        {!isLast && (
          <button type="button" className="button" onClick={onDone}>
            Skip the tour
          </button>
        )}
        {at > 0 && (
          <button type="button" className="button" onClick={() => go(at - 1)}>
            Back
          </button>
        )}
        <button type="button" className="button button-strong" onClick={() => (isLast ? onDone() : go(at + 1))}>
          {isLast ? "Done" : "Next"}
        </button>
      </div>
    </section>
  );
}

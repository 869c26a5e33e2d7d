/** The first three steps for a new visitor. */

const STEPS: [title: string, words: string][] = [
  [
    "Write as the customer",
    "Ask the shop a question: the AI answers. Then write “I want to talk to a person”.",
  ],
  [
    "In Slack, press Take Over",
    "A card appears in the queue channel. Now you are the agent, and the AI is silent.",
  ],
  [
    "Answer in the thread",
    "Your reply reaches the phone, and the customer's messages appear in the thread. Press Resolve at the end.",
  ],
];

/** The three steps, until they are dismissed. */
export function Hint({ onDismiss }: { onDismiss: () => void }) {
  return (
    <section className="hint" aria-label="How to try it">
      <ol>
        {STEPS.map(([title, words], index) => (
          <li key={title}>
            <span className="hint-number" aria-hidden="true">
              {index + 1}
            </span>
            <div>
              <strong>{title}</strong>
              <p>{words}</p>
            </div>
          </li>
        ))}
      </ol>
      <button type="button" className="button button-strong" onClick={onDismiss}>
        Got it
      </button>
    </section>
  );
}

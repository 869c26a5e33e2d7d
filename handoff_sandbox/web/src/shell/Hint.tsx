/** What to do first, in three steps, for a person who has never seen the product. */

const STEPS: [title: string, words: string][] = [
  [
    "Write as the customer",
    "Ask the shop something: the AI answers. Then write “I want to talk to a person”.",
  ],
  [
    "In Slack, press Take Over",
    "A card has come into the queue channel. Now you are the agent, and the AI is silent.",
  ],
  [
    "Answer in the thread",
    "Your reply reaches the phone, the customer's words the thread. At the end press Resolve.",
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

/** The mailbox: every e-mail that the bot has sent to the team and to visitors. */

import type { Letter } from "../api";
import { preciseTime } from "../shell/time";
import { useValue } from "../store";

const NO_LETTERS: Letter[] = [];

/** The list, newest first; each opens to show its text. */
export function Mailbox() {
  const letters = useValue<Letter[]>("mail") ?? NO_LETTERS;
  return (
    <section className="control" aria-labelledby="mailbox-title">
      <h3 id="mailbox-title">Mailbox</h3>
      <p className="help">
        {letters.length
          ? "E-mails, newest first. None has left this machine."
          : "No e-mails yet. As Mia, add a rule with an address in /handoff notices, and ask for a person; or send a website conversation to yourself."}
      </p>
      {letters.map((letter) => (
        <details key={letter.id} className="letter">
          <summary>
            <bdi>{letter.subject}</bdi>
            <span className="help">
              To {letter.to} · {preciseTime(letter.at)}
            </span>
          </summary>
          <pre dir="auto">{letter.text}</pre>
        </details>
      ))}
    </section>
  );
}

/** The look-ups: what the AI asked the team's own systems, and what came of it. */

import { useState } from "react";
import type { LookUp } from "../api";
import { lookUps as load } from "../ask";
import { useNewest } from "./useNewest";

/** Looked up again every two seconds while it is open. */
export function LookUps() {
  const [open, setOpen] = useState(false);
  const made = useNewest(open, load);
  return (
    <section className="control" aria-labelledby="look-ups-title">
      <h3 id="look-ups-title">Look-ups</h3>
      <details className="letter" onToggle={(event) => setOpen(event.currentTarget.open)}>
        <summary>What the AI asked the shop, and what was shown</summary>
        {made.length === 0 && (
          <p className="help">No look-ups yet. Start the script "Where is my order?" above.</p>
        )}
        <ol className="jobs" aria-label="Look-ups" tabIndex={0} hidden={made.length === 0}>
          {made.map((one) => (
            <li key={one.id} data-status={one.outcome === "ok" ? "done" : "failed"}>
              <strong>{one.name}</strong> <span className="help">{endOf(one)}</span>
              <span className="help address">{one.address || "The definition was deleted."}</span>
              <pre dir="auto">{one.shown || "Nothing was shown."}</pre>
            </li>
          ))}
        </ol>
      </details>
    </section>
  );
}

function endOf({ outcome, milliseconds }: LookUp): string {
  return outcome === "ok" ? `answered in ${milliseconds} ms` : outcome;
}

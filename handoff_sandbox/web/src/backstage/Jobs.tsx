/** The bot's newest jobs: what it does between requests. */

import { useState } from "react";
import type { Job } from "../api";
import { jobs as load } from "../ask";
import { useNewest } from "./useNewest";

/** Looked up again every two seconds while it is open. */
export function Jobs() {
  const [open, setOpen] = useState(false);
  const jobs = useNewest(open, load);
  return (
    <section className="control" aria-labelledby="jobs-title">
      <h3 id="jobs-title">Jobs</h3>
      <details className="letter" onToggle={(event) => setOpen(event.currentTarget.open)}>
        <summary>The newest jobs in the bot's database</summary>
        <ol className="jobs" aria-label="Jobs" tabIndex={0}>
          {jobs.map((job) => (
            <li key={job.id} data-status={job.status}>
              <strong>{job.kind}</strong> <span className="help">{stateOf(job)}</span>
              <span className="help address">{job.lane}</span>
            </li>
          ))}
        </ol>
      </details>
    </section>
  );
}

function stateOf({ status, attempts, error }: Job): string {
  const words = { ready: "waits", done: "done", failed: "failed", dismissed: "dismissed" }[status];
  const tries = attempts > 1 ? `, ${attempts} attempts` : "";
  return error && status !== "done" ? `${words}${tries}: ${error}` : `${words}${tries}`;
}

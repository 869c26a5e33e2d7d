/** Slack's side. */
export function Slack() {
  return <section aria-label="Slack" />;
}

import { Slack } from "./slack/Slack";

/** The whole page. */
export function App() {
  return (
    <main>
      <Slack />
    </main>
  );
}

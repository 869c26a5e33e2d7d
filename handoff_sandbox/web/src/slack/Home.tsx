/** The app's Home tab. */

import { useEffect } from "react";
import type { Private, SlackView } from "../api";
import { useAct } from "../shell/trouble";
import { useValue } from "../store";
import { Blocks } from "./Blocks";
import { Head } from "./Head";
import { useScene } from "./people";
import { OnSurface } from "./surface";
import { useViewSurface } from "./viewSurface";

export function Home({ onBack }: { onBack: () => void }) {
  const { me } = useScene();
  const act = useAct();
  const home = useValue<Private>(`private:${me}`)?.home;
  useEffect(() => void act("slack.home", { user: me, tab: "home" }), [act, me]);
  return (
    <section className="sl-pane sl-channel" aria-label="Handoff's Home">
      <Head title="Handoff" onBack={onBack} back="Back to the list" />
      <div className="sl-log sl-home" tabIndex={0} role="region" aria-label="Home">
        {home ? <View view={home} /> : <p className="sl-event">The app has not published its Home tab yet.</p>}
      </div>
    </section>
  );
}

function View({ view }: { view: SlackView }) {
  const surface = useViewSurface(view);
  return (
    <OnSurface surface={surface}>
      <Blocks blocks={view.blocks} />
    </OnSurface>
  );
}

/** The app's Home tab. */

import { useEffect, useMemo } from "react";
import type { Private, SlackView } from "../api";
import { useAct } from "../shell/trouble";
import { useValue } from "../store";
import { Blocks } from "./Blocks";
import { Head } from "./Channel";
import { useScene } from "./people";
import { OnSurface } from "./surface";

export function Home({ onBack }: { onBack: () => void }) {
  const { me } = useScene();
  const act = useAct();
  const home = useValue<Private>(`private:${me}`)?.home;
  useEffect(() => void act("slack.home", { user: me, tab: "home" }), [act, me]);
  return (
    <section className="sl-pane sl-channel" aria-label="Handoff's Home">
      <Head title="Handoff" onBack={onBack} back="Back to the list" />
      <div className="sl-log" tabIndex={0} role="region" aria-label="Home">
        {home ? <View view={home} /> : <p className="sl-event">The app has not drawn its Home yet.</p>}
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

/** What happens to what is used in a window or a Home tab. */
export function useViewSurface(view: SlackView) {
  const { me } = useScene();
  const act = useAct();
  return useMemo(() => {
    const at = { user: me, view_id: view.id };
    return {
      click: (action_id: string, value?: string) =>
        act("slack.click_view", { ...at, action_id, ...(value === undefined ? {} : { value }) }),
      select: (action_id: string, choice: unknown) => act("slack.select_view", { ...at, action_id, choice }),
    };
  }, [act, me, view.id]);
}

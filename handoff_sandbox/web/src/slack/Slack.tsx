/** Slack's side: the current person, a list of places, a channel or Home, a thread, and modals. */

import { useCallback, useMemo } from "react";
import "slack-blocks-to-jsx/dist/style.css";
import type { Person, Private, SlackChannel, UserGroup, World } from "../api";
import { isText, useRemembered } from "../shell/remembered";
import { useValue } from "../store";
import { Channel, Thread } from "./Channel";
import { Home } from "./Home";
import { type Scene, SceneContext } from "./people";
import { useSeen } from "./seen";
import { Sidebar } from "./Sidebar";
import "./slack.css";
import "./fields.css";
import "./messages.css";
import "./composer.css";
import { Window } from "./Window";

const HOME = "home";
const NOBODY: Person[] = [];
const NOWHERE: SlackChannel[] = [];
const NO_GROUPS: UserGroup[] = [];

/** Fills its container. `visible`: whether it is on the screen. */
export function Slack({ visible }: { visible: boolean }) {
  const world = useValue<World>("world");
  const people = useValue<Person[]>("people") ?? NOBODY;
  const channels = useValue<SlackChannel[]>("channels") ?? NOWHERE;
  const groups = useValue<UserGroup[]>("groups") ?? NO_GROUPS;
  const [person, setPerson] = useRemembered("slack.person", "", isText);
  const [place, setPlace] = useRemembered("slack.place", "", isText);
  const [thread, setThread] = useRemembered("slack.thread", "", isText);
  const [pane, setPane] = useRemembered("slack.pane", "channel", isText);
  const me = people.some((one) => one.id === person) ? person : (people.find((one) => !one.is_bot)?.id ?? "");
  const here = place || world?.queue || "";
  // Other people's direct messages, and channels without membership, are not shown.
  const channel = channels.find((one) => one.id === here && (one.is_im ? one.user === me : one.members.includes(me)));
  const seen = useSeen(me, here, channel ? thread : "", visible && pane !== "list");

  const go = (next: string) => {
    setPlace(next);
    setThread("");
    setPane("channel");
  };
  const open = useCallback(
    (where: string, ts: string) => {
      setPlace(where);
      setThread(ts);
      setPane("thread");
    },
    [setPlace, setThread, setPane],
  );
  const close = () => {
    setThread("");
    setPane("channel");
  };
  const scene: Scene = useMemo(
    () => ({ me, people, channels, groups, app: world?.bot_user ?? "", now: world?.now ?? 0, open }),
    [me, people, channels, groups, world?.bot_user, world?.now, open],
  );
  return (
    <SceneContext value={scene}>
      <section className="sl" id="slack_blocks_to_jsx" aria-label="Slack" data-pane={thread ? pane : pane === "thread" ? "channel" : pane}>
        {/* Before the world has arrived there is nobody who could act. */}
        {me && <Sidebar place={here} seen={seen} onPlace={go} onPerson={setPerson} />}
        {here === HOME && <Home onBack={() => setPane("list")} />}
        {channel && <Channel channel={channel} seen={seen} onThread={(ts) => open(channel.id, ts)} onBack={() => setPane("list")} />}
        {channel && thread && <Thread channel={channel} ts={thread} onClose={close} />}
        <Windows me={me} />
      </section>
    </SceneContext>
  );
}

/** The open modals of this person. */
function Windows({ me }: { me: string }) {
  const stack = useValue<Private>(`private:${me}`)?.views;
  return stack?.length ? <Window key={stack.at(-1)?.id} stack={stack} /> : null;
}

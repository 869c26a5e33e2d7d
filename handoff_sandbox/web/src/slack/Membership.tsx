/** Whether the app is a member of a slack_channel, and buttons to add or remove it. */

import type { SlackChannel } from "../api";
import { useAct } from "../shell/trouble";
import { MenuButton } from "./Menu";
import { useScene } from "./people";

/** The menu of a channel's head. */
export function Membership({ channel }: { channel: SlackChannel }) {
  const { me, app } = useScene();
  const act = useAct();
  if (channel.is_im || !channel.members.includes(app)) return null;
  const remove = {
    key: "remove",
    label: "Remove Handoff from this channel",
    onChoose: () => void act("slack.remove", { user: me, channel: channel.id }),
  };
  return <MenuButton label="Channel actions" face={<span aria-hidden="true">⋯</span>} items={[remove]} />;
}

/** The notice in a channel without the app. */
export function Uninvited({ channel }: { channel: SlackChannel }) {
  const { me, app } = useScene();
  const act = useAct();
  if (channel.is_im || channel.members.includes(app)) return null;
  return (
    <p className="sl-uninvited">
      Handoff is not in this channel.
      <button type="button" className="button" onClick={() => void act("slack.invite", { user: me, channel: channel.id })}>
        Invite Handoff
      </button>
    </p>
  );
}

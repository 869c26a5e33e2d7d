/** The app's global shortcuts and slash commands, as a menu beside the composer. */

import type { World } from "../api";
import { useAct } from "../shell/trouble";
import { useValue } from "../store";
import { MenuButton } from "./Menu";
import { useScene } from "./people";

interface Props {
  /** Slash commands do not work in threads. */
  inThread: boolean;
  /** Puts this text into the composer. */
  onWrite: (text: string) => void;
}

export function Shortcuts({ inThread, onWrite }: Props) {
  const { me } = useScene();
  const act = useAct();
  const world = useValue<World>("world");
  const shortcuts = (world?.shortcuts ?? []).filter((one) => one.type === "global");
  const items = shortcuts.map((one) => ({
    key: one.callback_id,
    label: one.name,
    help: one.description,
    onChoose: () => void act("slack.shortcut", { user: me, callback_id: one.callback_id }),
  }));
  const commands = (inThread ? [] : (world?.commands ?? [])).map((one) => ({
    key: one.command,
    label: one.command,
    help: one.description,
    onChoose: () => onWrite(`${one.command} `),
  }));
  if (!items.length && !commands.length) return null;
  return <MenuButton label="Shortcuts" face={<span aria-hidden="true">⚡</span>} items={[...items, ...commands]} />;
}

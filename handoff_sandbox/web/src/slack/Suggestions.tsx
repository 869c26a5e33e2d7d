/** Suggestions while typing: commands after "/", people and groups after "@". */

import type { Command, World } from "../api";
import { useValue } from "../store";
import { type Scene, useScene } from "./people";

interface Props {
  text: string;
  inThread: boolean;
  onChoose: (text: string) => void;
}

interface Suggestion {
  label: string;
  help: string;
  text: string;
}

export function Suggestions({ text, inThread, onChoose }: Props) {
  const commands = useValue<World>("world")?.commands ?? [];
  const scene = useScene();
  const found = [...(inThread ? [] : commandsFor(commands, text)), ...mentionsFor(scene, text)];
  if (!found.length) return null;
  return (
    <ul className="sl-suggestions" aria-label="Suggestions">
      {found.map((one) => (
        <li key={one.label}>
          <button type="button" onClick={() => onChoose(one.text)}>
            <strong>{one.label}</strong> {one.help}
          </button>
        </li>
      ))}
    </ul>
  );
}

const INVITE: Command = {
  command: "/invite",
  description: "Add the app to this channel",
  usage_hint: "@Handoff",
};

function commandsFor(commands: Command[], text: string): Suggestion[] {
  if (!text.startsWith("/") || text.includes(" ")) return [];
  return [...commands, INVITE]
    .filter((one) => one.command.startsWith(text))
    .map((one) => ({
      label: `${one.command} ${one.usage_hint}`,
      help: one.description,
      text: `${one.command} `,
    }));
}

function mentionsFor(scene: Scene, text: string): Suggestion[] {
  const typed = /(?:^|\s)@([\w-]*)$/.exec(text);
  if (!typed) return [];
  const begun = (typed[1] ?? "").toLowerCase();
  const before = text.slice(0, text.length - begun.length - 1);
  const people = scene.people
    .filter((one) => !one.deleted && one.real_name.toLowerCase().startsWith(begun))
    .map((one) => ({ label: `@${one.real_name}`, help: "", text: `${before}<@${one.id}> ` }));
  const groups = scene.groups
    .filter((one) => one.handle.startsWith(begun))
    .map((one) => ({ label: `@${one.handle}`, help: one.name, text: `${before}<!subteam^${one.id}> ` }));
  return [...people, ...groups];
}

/** The surface of a button or a menu: what happens when it is used. */

import { createContext, type ReactNode, useContext, useRef, useState } from "react";
import type { Done } from "../api";
import type { Held } from "./elements";
import { withEmoji } from "./words";

/** A message, an ephemeral message, a modal or a Home tab. */
export interface Surface {
  click: (actionId: string, value?: string) => Promise<Done>;
  select: (actionId: string, choice: unknown) => Promise<Done>;
  /** The bot's suggestions for typed text. */
  suggest: (actionId: string, typed: string) => Promise<Done>;
  /** Earlier choices on this surface. */
  held: (blockId: string, actionId: string) => Held | undefined;
}

/** Values by block_id and action_id. */
export type State = Record<string, Record<string, Held>>;

/** Looks up a value of a surface. */
export function heldIn(state: State | undefined): Surface["held"] {
  return (blockId, actionId) => state?.[blockId]?.[actionId];
}

export interface Confirmation {
  title: { text: string };
  text: { text: string };
  confirm: { text: string };
  deny: { text: string };
  style?: "primary" | "danger";
}

const SurfaceContext = createContext<Surface | null>(null);

export function OnSurface({ surface, children }: { surface: Surface; children: ReactNode }) {
  return <SurfaceContext value={surface}>{children}</SurfaceContext>;
}

/** Returns the surface. */
export function useSurface(): Surface {
  const surface = useContext(SurfaceContext);
  if (!surface) throw new Error("There is no surface here.");
  return surface;
}

/**
 * Asks before something is done, if Slack would.
 *
 * Returns what to call instead of doing it, and the dialog to draw.
 */
export function useConfirm(): [(ask: Confirmation | undefined, act: () => void) => void, ReactNode] {
  const [asked, setAsked] = useState<{ ask: Confirmation; act: () => void } | null>(null);
  const before = useRef<HTMLElement | null>(null);
  const end = (isSure: boolean) => {
    if (isSure) asked?.act();
    setAsked(null);
    before.current?.focus();
  };
  const guard = (ask: Confirmation | undefined, act: () => void) => {
    if (!ask) return act();
    before.current = document.activeElement as HTMLElement | null;
    setAsked({ ask, act });
  };
  return [guard, asked && <ConfirmDialog ask={asked.ask} onEnd={end} />];
}

function ConfirmDialog({ ask, onEnd }: { ask: Confirmation; onEnd: (isSure: boolean) => void }) {
  const look = ask.style === "danger" ? "sl-danger" : "button-strong";
  return (
    <Dialog label={ask.title.text} onCancel={() => onEnd(false)}>
      <h2>{withEmoji(ask.title.text)}</h2>
      <p className="sl-pre">{withEmoji(ask.text.text)}</p>
      <div className="sl-dialog-foot">
        <button type="button" className="button" onClick={() => onEnd(false)}>
          {withEmoji(ask.deny.text)}
        </button>
        <button type="button" className={`button ${look}`} onClick={() => onEnd(true)}>
          {withEmoji(ask.confirm.text)}
        </button>
      </div>
    </Dialog>
  );
}

interface DialogProps {
  label: string;
  onCancel: () => void;
  children: ReactNode;
}

/** A modal dialog: the browser keeps the focus inside and hears Escape. */
export function Dialog({ label, onCancel, children }: DialogProps) {
  const open = (element: HTMLDialogElement | null) => {
    if (!element || element.open) return;
    element.showModal();
    // The first button may be at the end of a long text.
    element.scrollTop = 0;
  };
  return (
    <dialog
      ref={open}
      className="sl-dialog"
      aria-label={label}
      onCancel={(event) => {
        // The close event of a menu inside bubbles up to here.
        if (event.target !== event.currentTarget) return;
        event.preventDefault();
        onCancel();
      }}
    >
      {children}
    </dialog>
  );
}

/** A button with a menu of actions: arrow keys move, Escape closes it. */

import { type KeyboardEvent, type ReactNode, useId, useRef, useState } from "react";
import { flushSync } from "react-dom";

export interface MenuItem {
  key: string;
  label: string;
  help?: string | undefined;
  onChoose: () => void;
}

interface Props {
  /** Its name. */
  label: string;
  /** Its visible content. */
  face: ReactNode;
  items: MenuItem[];
  className?: string;
}

const MARGIN = 8;

/** The menu is in the top layer, so that no scrolling part cuts it off. */
export function MenuButton({ label, face, items, className = "button" }: Props) {
  const id = useId();
  const [isOpen, setOpen] = useState(false);
  const button = useRef<HTMLButtonElement>(null);
  const menu = useRef<HTMLDivElement>(null);
  const place = () => {
    if (!button.current || !menu.current) return;
    beside(button.current.getBoundingClientRect(), menu.current);
    menu.current.querySelector("button")?.focus();
  };
  const choose = (item: MenuItem) => {
    menu.current?.hidePopover();
    button.current?.focus();
    item.onChoose();
  };
  return (
    <>
      <button
        ref={button}
        type="button"
        className={className}
        aria-label={label}
        title={label}
        aria-haspopup="menu"
        aria-expanded={isOpen}
        popoverTarget={id}
      >
        {face}
      </button>
      <div
        ref={menu}
        id={id}
        popover="auto"
        role="menu"
        aria-label={label}
        className="sl-popup"
        onBeforeToggle={(event) => flushSync(() => setOpen(event.newState === "open"))}
        onToggle={(event) => event.newState === "open" && place()}
        onKeyDown={move}
      >
        {isOpen && items.map((item) => <Item key={item.key} item={item} onChoose={() => choose(item)} />)}
      </div>
    </>
  );
}

function Item({ item, onChoose }: { item: MenuItem; onChoose: () => void }) {
  return (
    <button type="button" role="menuitem" tabIndex={-1} onClick={onChoose}>
      {item.label}
      {item.help && <span className="sl-only">{item.help}</span>}
    </button>
  );
}

/** Below its button, or above where there is more room; never outside the window. */
function beside(at: DOMRect, menu: HTMLElement): void {
  const { offsetWidth: width, offsetHeight: height } = menu;
  const below = window.innerHeight - at.bottom;
  const top = below >= height + MARGIN || below >= at.top ? at.bottom + 4 : at.top - height - 4;
  const furthest = window.innerWidth - width - MARGIN;
  menu.style.top = `${Math.max(MARGIN, Math.min(top, window.innerHeight - height - MARGIN))}px`;
  menu.style.left = `${Math.max(MARGIN, Math.min(at.left, furthest))}px`;
}

const STEPS: Record<string, (at: number, count: number) => number> = {
  ArrowDown: (at, count) => (at + 1) % count,
  ArrowUp: (at, count) => (at + count - 1) % count,
  Home: () => 0,
  End: (_, count) => count - 1,
};

function move(event: KeyboardEvent<HTMLElement>): void {
  const items = [...event.currentTarget.querySelectorAll<HTMLElement>("[role=menuitem]")];
  const step = STEPS[event.key];
  if (!step || !items.length) return;
  event.preventDefault();
  items[step(items.indexOf(document.activeElement as HTMLElement), items.length)]?.focus();
}

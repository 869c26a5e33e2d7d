/** Links to messages of this workspace, and external links. */

import type { ReactNode } from "react";
import { useScene } from "./people";

const PERMALINK = /\/archives\/(\w+)\/p(\d{10})(\d{6})(?:\?.*\bthread_ts=(\d+\.\d+))?/;

interface Place {
  channel: string;
  thread: string;
}

/** The target of a link to a message; undefined for any other link. */
function placeOf(href: string): Place | undefined {
  const [, channel, seconds, rest, thread] = PERMALINK.exec(href) ?? [];
  if (!channel || !seconds || !rest) return undefined;
  return { channel, thread: thread ?? `${seconds}.${rest}` };
}

/** Follows the link of a button. */
export function useGo(): (href: string) => void {
  const scene = useScene();
  return (href) => {
    const place = placeOf(href);
    if (place) scene.open(place.channel, place.thread);
    else if (/^https?:/.test(href)) window.open(href, "_blank", "noopener,noreferrer");
  };
}

/** A link to a message of this workspace opens its thread; any other a new window. */
export function Link({ href, children }: { href: string; children: ReactNode }) {
  const go = useGo();
  if (placeOf(href)) {
    return (
      <button type="button" className="sl-link" onClick={() => go(href)}>
        {children}
      </button>
    );
  }
  return (
    <a href={href} target="_blank" rel="noopener noreferrer nofollow">
      {children}
    </a>
  );
}

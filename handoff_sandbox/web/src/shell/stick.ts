/** Keeps a growing list scrolled to its end. */

import { type RefObject, useEffect, useRef } from "react";

/** Tolerance in pixels for being at the end. */
const NEAR_PX = 40;

interface Stuck {
  /** The scrolling element. */
  frame: RefObject<HTMLDivElement | null>;
  /** The growing element in it. */
  content: RefObject<HTMLDivElement | null>;
  onScroll: () => void;
}

/**
 * Stays at the end while what is inside grows, or is shown again, unless somebody scrolled up.
 *
 * @param pull goes to the end in any case when it changes.
 */
export function useStickToEnd(pull: unknown): Stuck {
  const frame = useRef<HTMLDivElement>(null);
  const content = useRef<HTMLDivElement>(null);
  const atEnd = useRef(true);
  const last = useRef(0);
  useEffect(() => {
    const scrolling = frame.current!;
    atEnd.current = true;
    const stay = () => {
      if (atEnd.current) scrolling.scrollTop = scrolling.scrollHeight;
    };
    const observer = new ResizeObserver(stay);
    observer.observe(scrolling);
    observer.observe(content.current!);
    return () => observer.disconnect();
  }, [pull]);
  const onScroll = () => {
    const { scrollTop, clientHeight, scrollHeight } = frame.current!;
    // The event comes late: what is inside may have grown again since, without any scrolling up.
    if (scrollHeight - scrollTop - clientHeight < NEAR_PX) atEnd.current = true;
    else if (scrollTop < last.current) atEnd.current = false;
    last.current = scrollTop;
  };
  return { frame, content, onScroll };
}

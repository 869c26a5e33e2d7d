/** Error messages from all parts of the page. */

import { createContext, type ReactNode, useCallback, useContext, useRef, useState } from "react";
import type { Actions, Done } from "../api";
import { act } from "../ask";
import { Icon } from "./Icon";

type Say = (words: string) => void;

const Trouble = createContext<Say>(() => undefined);

interface Notice {
  number: number;
  words: string;
}

const MOST = 4;

/** Shows errors of its children until they are dismissed. */
export function TroubleBoard({ children }: { children: ReactNode }) {
  const [notices, setNotices] = useState<Notice[]>([]);
  const next = useRef(1);
  const say = useCallback((words: string) => {
    const notice = { number: next.current++, words };
    setNotices((all) => [...all.filter((one) => one.words !== words), notice].slice(-MOST));
  }, []);
  const dismiss = (number: number) =>
    setNotices((all) => all.filter((one) => one.number !== number));
  return (
    <Trouble value={say}>
      {children}
      <div className="troubles" role="alert">
        {notices.map(({ number, words }) => (
          <p key={number} className="trouble">
            <span>{words}</span>
            <button type="button" className="icon-button" onClick={() => dismiss(number)}>
              <Icon name="close" />
              <span className="unseen">Dismiss</span>
            </button>
          </p>
        ))}
      </div>
    </Trouble>
  );
}

/** `act` that shows its errors to the visitor. */
export function useAct(): <Name extends keyof Actions>(
  name: Name,
  details: Actions[Name],
) => Promise<Done> {
  const say = useContext(Trouble);
  return useCallback(
    async (name, details) => {
      const done = await act(name, details);
      if (!done.ok) say(done.error);
      return done;
    },
    [say],
  );
}

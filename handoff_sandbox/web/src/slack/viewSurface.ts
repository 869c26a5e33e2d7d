/** The actions of a modal's or a Home tab's elements. */

import { useMemo } from "react";
import type { SlackView } from "../api";
import { act as actQuietly } from "../ask";
import { useAct } from "../shell/trouble";
import { useScene } from "./people";
import { heldIn, type Surface } from "./surface";

const NOTHING = () => ({});

/** `filledIn` returns the input of a modal so far, which is sent with every click. */
export function useViewSurface(view: SlackView, filledIn: () => Record<string, unknown> = NOTHING): Surface {
  const { me } = useScene();
  const act = useAct();
  const { id, state } = view;
  return useMemo(() => {
    const at = { user: me, view_id: id };
    return {
      click: (action_id, value) =>
        act("slack.click_view", { ...at, action_id, values: filledIn(), ...(value === undefined ? {} : { value }) }),
      select: (action_id, choice) => act("slack.select_view", { ...at, action_id, choice, values: filledIn() }),
      suggest: (action_id, typed) => actQuietly("slack.suggest", { ...at, action_id, typed }),
      held: heldIn(state.values),
    };
  }, [act, me, id, state, filledIn]);
}

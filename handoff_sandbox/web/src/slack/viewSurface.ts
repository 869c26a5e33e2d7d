/** What happens to what is used in a window or a Home tab. */

import { useMemo } from "react";
import type { SlackView } from "../api";
import { act as actQuietly } from "../ask";
import { useAct } from "../shell/trouble";
import { useScene } from "./people";
import { heldIn, type Surface } from "./surface";

const NOTHING = () => ({});

/** `filledIn` says what was typed into a window so far: the bot hears of it with every click. */
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

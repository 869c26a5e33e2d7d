/** The workspace's own modal for a new slack_channel. */

import { useState } from "react";
import { useAct } from "../shell/trouble";
import { useScene } from "./people";
import { Dialog } from "./surface";

interface Props {
  /** Called with the new channel's id, or without on cancel. */
  onDone: (channel?: string) => void;
}

export function AddChannel({ onDone }: Props) {
  const { me } = useScene();
  const act = useAct();
  const [name, setName] = useState("");
  const [isPrivate, setPrivate] = useState(false);
  const create = async () => {
    const done = await act("slack.create_channel", { user: me, name, is_private: isPrivate });
    if (done.ok) onDone(String(done.result.channel));
  };
  return (
    <Dialog label="Add a channel" onCancel={() => onDone()}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void create();
        }}
      >
        <h2>Add a channel</h2>
        <div className="sl-field">
          <label htmlFor="sl-new-channel">Name</label>
          <input
            id="sl-new-channel"
            type="text"
            required
            pattern="[a-z0-9_\-]{1,80}"
            title="Lowercase letters, digits, - and _"
            value={name}
            onChange={(event) => setName(event.target.value.toLowerCase().replaceAll(" ", "-"))}
          />
        </div>
        <label className="sl-choice">
          <input type="checkbox" checked={isPrivate} onChange={() => setPrivate(!isPrivate)} />
          Private
        </label>
        <div className="sl-dialog-foot">
          <button type="button" className="button" onClick={() => onDone()}>
            Cancel
          </button>
          <button type="submit" className="button button-strong">
            Add
          </button>
        </div>
      </form>
    </Dialog>
  );
}

/** The shop with the chat widget, as a visitor sees it. */

import { useState } from "react";
import type { World } from "../api";
import { Icon } from "../shell/Icon";
import { useValue } from "../store";

/** Loaded when it is first shown, and kept afterwards. */
export function Website({ visible }: { visible: boolean }) {
  const address = useValue<World>("world")?.shop_url;
  const [wanted, setWanted] = useState(visible);
  if (visible && !wanted) setWanted(true);
  if (!address) return <p className="empty">The shop opens when the sandbox is ready.</p>;
  return (
    <div className="browser">
      <div className="browser-bar">
        <span className="browser-address">{address}</span>
        <a className="button" href={address} target="_blank" rel="noopener noreferrer">
          <Icon name="open" />
          Open in a new window
        </a>
      </div>
      {wanted && <iframe className="browser-page" src={address} title="The shop's website" />}
    </div>
  );
}

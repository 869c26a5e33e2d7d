/** The little shop with the chat widget in it, as a visitor of it sees it. */

import { useState } from "react";
import type { World } from "../api";
import { Icon } from "../shell/Icon";
import { useValue } from "../store";

/** Loaded when it is first looked at, and kept from then on. */
export function Website({ visible }: { visible: boolean }) {
  const address = useValue<World>("world")?.shop_url;
  const [wanted, setWanted] = useState(visible);
  if (visible && !wanted) setWanted(true);
  if (!address) return <p className="empty">The shop opens as soon as the sandbox answers.</p>;
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

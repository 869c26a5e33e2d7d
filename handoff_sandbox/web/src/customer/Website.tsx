/** The shop with the chat widget, as a visitor sees it. */

import { useEffect, useRef, useState } from "react";
import type { World } from "../api";
import { Icon } from "../shell/Icon";
import type { Theme } from "../shell/theme";
import { useValue } from "../store";

/** Loaded when it is first shown, and kept afterwards. */
export function Website({ visible, theme }: { visible: boolean; theme: Theme }) {
  const frame = useRef<HTMLIFrameElement>(null);
  const address = useValue<World>("world")?.shop_url;
  const [wanted, setWanted] = useState(visible);
  if (visible && !wanted) setWanted(true);
  const dress = () => dressed(frame.current?.contentDocument, theme);
  useEffect(dress);
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
      {wanted && <iframe ref={frame} className="browser-page" src={address} title="The shop's website" onLoad={dress} />}
    </div>
  );
}

/** The page's theme for the shop and its chat: a frame follows the system, not the page around it. */
function dressed(shop: Document | null | undefined, theme: Theme): void {
  const widget = shop?.querySelector<HTMLScriptElement>('script[src$="/chat/widget.js"]');
  if (!shop || !widget) return;
  shop.documentElement.style.colorScheme = theme;
  if (widget.dataset.theme !== theme) widget.dataset.theme = theme;
}

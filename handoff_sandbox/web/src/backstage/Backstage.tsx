/** Behind the scenes: the drawer with the journal and the controls. */

import type { ReactNode } from "react";
import type { World } from "../api";
import { Icon } from "../shell/Icon";
import { useMedia } from "../shell/media";
import { oneOf, useRemembered } from "../shell/remembered";
import { Tabs } from "../shell/Tabs";
import { useValue } from "../store";
import "./backstage.css";
import "./journal.css";
import { Controls } from "./Controls";
import { Journal } from "./Journal";

type Part = "journal" | "controls";

interface Props {
  hidden: boolean;
  /** None where it fills the page. */
  onClose?: () => void;
}

/** The drawer: its two parts side by side, or as tabs where there is no room. */
export function Backstage({ hidden, onClose }: Props) {
  const world = useValue<World>("world");
  const tabbed = useMedia("(max-width: 1199px)");
  const [part, setPart] = useRemembered<Part>("part", "journal", oneOf("journal", "controls"));
  const shows = (one: Part) => !tabbed || part === one;
  return (
    <section
      id="backstage"
      className="side backstage"
      aria-labelledby="backstage-title"
      hidden={hidden}
    >
      <div className="side-head">
        <h2 id="backstage-title">Behind the scenes</h2>
        {tabbed && <PartTabs part={part} onPart={setPart} />}
        {onClose && <CloseButton onClose={onClose} />}
      </div>
      <div className="backstage-body">
        <PartPanel name="journal" tabbed={tabbed} shown={shows("journal")}>
          <Journal wanted={!hidden && shows("journal")} />
        </PartPanel>
        <PartPanel name="controls" tabbed={tabbed} shown={shows("controls")}>
          {world && <Controls world={world} />}
        </PartPanel>
      </div>
    </section>
  );
}

function PartTabs({ part, onPart }: { part: Part; onPart: (part: Part) => void }) {
  return (
    <Tabs
      label="Behind the scenes"
      prefix="part"
      chosen={part}
      onChoose={onPart}
      tabs={[
        { name: "journal", label: "Journal" },
        { name: "controls", label: "Controls" },
      ]}
    />
  );
}

function CloseButton({ onClose }: { onClose: () => void }) {
  return (
    <button type="button" className="icon-button" onClick={onClose}>
      <Icon name="close" />
      <span className="unseen">Close</span>
    </button>
  );
}

interface PanelProps {
  name: Part;
  tabbed: boolean;
  shown: boolean;
  children: ReactNode;
}

function PartPanel({ name, tabbed, shown, children }: PanelProps) {
  const role = tabbed ? { role: "tabpanel", "aria-labelledby": `part-${name}-tab` } : {};
  return (
    <div className="backstage-part" id={`part-${name}`} hidden={!shown} {...role}>
      {children}
    </div>
  );
}

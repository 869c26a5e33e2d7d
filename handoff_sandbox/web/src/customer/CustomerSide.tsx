/** The customer's side: a phone, and a website with a chat. */

import { Tabs } from "../shell/Tabs";
import type { Theme } from "../shell/theme";
import { type Choice, allUnread } from "./choice";
import "./browser.css";
import "./people.css";
import "./phone.css";
import "./messages.css";
import "./composer.css";
import { PhoneSide } from "./PhoneSide";
import { Website } from "./Website";

export type Face = "phone" | "website";

interface Props {
  choice: Choice;
  face: Face;
  onFace: (face: Face) => void;
  theme: Theme;
  hidden: boolean;
  /** Without its own tabs, where the page's tab bar replaces them. */
  bare: boolean;
}

/** Shows one of the two sides at a time. */
export function CustomerSide({ choice, face, onFace, theme, hidden, bare }: Props) {
  return (
    <section className="side customer" aria-labelledby="customer-title" hidden={hidden}>
      <div className="side-head">
        <h2 id="customer-title">Customer</h2>
        {!bare && (
          <Tabs
            label="The customer's device"
            prefix="face"
            chosen={face}
            onChoose={onFace}
            tabs={[
              { name: "phone", label: "Phone", icon: "phone", unread: allUnread(choice) },
              { name: "website", label: "Website", icon: "shop" },
            ]}
          />
        )}
      </div>
      <Panel name="phone" chosen={face} bare={bare}>
        <PhoneSide choice={choice} />
      </Panel>
      <Panel name="website" chosen={face} bare={bare}>
        <Website visible={!hidden && face === "website"} theme={theme} />
      </Panel>
    </section>
  );
}

interface PanelProps {
  name: Face;
  chosen: Face;
  bare: boolean;
  children: React.ReactNode;
}

function Panel({ name, chosen, bare, children }: PanelProps) {
  const role = bare ? {} : { role: "tabpanel", "aria-labelledby": `face-${name}-tab` };
  return (
    <div className="face-panel" id={`face-${name}`} hidden={name !== chosen} {...role}>
      {children}
    </div>
  );
}

/** The whole page: the customer's side, Slack's side, and the drawer behind the scenes. */

import { type RefObject, useRef, useState } from "react";
import { Backstage } from "./backstage/Backstage";
import { allUnread, useChoice, Watchers } from "./customer/choice";
import { CustomerSide, type Face } from "./customer/CustomerSide";
import { Header } from "./shell/Header";
import { Tour } from "./shell/Tour";
import { useNarrow } from "./shell/media";
import { isSwitch, oneOf, useRemembered } from "./shell/remembered";
import { type Place, TabBar } from "./shell/TabBar";
import { type Theme, useTheme } from "./shell/theme";
import { TroubleBoard } from "./shell/trouble";
import { Slack } from "./slack/Slack";

const isPlace = oneOf<Place>("phone", "website", "slack", "backstage");
const isFace = oneOf<Face>("phone", "website");

/** Wide: the sides beside each other. Narrow: one at a time. */
export function App() {
  const narrow = useNarrow();
  const [place, setPlace] = useRemembered<Place>("place", "phone", isPlace);
  const [face, setFace] = useRemembered<Face>("face", "phone", isFace);
  const [drawer, setDrawer] = useRemembered("drawer", false, isSwitch);
  const [theme, turnTheme] = useTheme();
  const drawerButton = useRef<HTMLButtonElement>(null);
  const visible = (one: Place) => !narrow || place === one;
  const inHand = narrow && isFace(place) ? place : face;
  const choice = useChoice(inHand === "phone" && visible("phone"));
  const closeDrawer = () => {
    setDrawer(false);
    drawerButton.current?.focus();
  };
  const go = (next: Place) => {
    setPlace(next);
    if (isFace(next)) setFace(next);
  };
  const show = (next: Place) => {
    go(next);
    if (next === "backstage") setDrawer(true);
  };
  return (
    <TroubleBoard>
      <div className="page" data-drawer={drawer} data-face={inHand}>
        <Top
          narrow={narrow}
          theme={theme}
          onTheme={turnTheme}
          onShow={show}
          drawer={drawer}
          onDrawer={() => setDrawer(!drawer)}
          drawerButton={drawerButton}
        />
        <Watchers choice={choice} />
        <main className="stage">
          <CustomerSide
            choice={choice}
            face={inHand}
            onFace={setFace}
            theme={theme}
            hidden={!visible("phone") && !visible("website")}
            bare={narrow}
          />
          <div className="side slack-side" hidden={!visible("slack")}>
            <Slack visible={visible("slack")} />
          </div>
          <Backstage
            hidden={narrow ? place !== "backstage" : !drawer}
            onClose={narrow ? undefined : closeDrawer}
          />
        </main>
        {narrow && <TabBar chosen={place} onChoose={go} unread={allUnread(choice)} />}
      </div>
    </TroubleBoard>
  );
}

interface TopProps {
  narrow: boolean;
  theme: Theme;
  onTheme: () => void;
  /** Brings a side on the screen. */
  onShow: (place: Place) => void;
  drawer: boolean;
  onDrawer: () => void;
  drawerButton: RefObject<HTMLButtonElement | null>;
}

function Top({ narrow, theme, onTheme, onShow, drawer, onDrawer, drawerButton }: TopProps) {
  const [dismissed, setDismissed] = useRemembered("hint-dismissed", false, isSwitch, "browser");
  const [hint, setHint] = useState(!dismissed);
  const hintButton = useRef<HTMLButtonElement>(null);
  const dismiss = () => {
    setDismissed(true);
    setHint(false);
    hintButton.current?.focus();
  };
  return (
    <>
      <Header
        theme={theme}
        onTheme={onTheme}
        hint={hint}
        onHint={() => (hint ? dismiss() : setHint(true))}
        drawer={drawer}
        onDrawer={narrow ? undefined : onDrawer}
        hintButton={hintButton}
        drawerButton={drawerButton}
      />
      {hint && <Tour onShow={onShow} onDone={dismiss} />}
    </>
  );
}

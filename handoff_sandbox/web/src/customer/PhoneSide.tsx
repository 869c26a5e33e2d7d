/** A customer's phone: the apps, the contact, the messages, and the composer. */

import type { Phone, World } from "../api";
import { Icon } from "../shell/Icon";
import { Badge } from "../shell/Tabs";
import { clockTime, useWorldTime } from "../shell/time";
import { useValue } from "../store";
import { APPS, APP_NAMES, type Choice, nameOf } from "./choice";
import { Composer } from "./Composer";
import { useDraft } from "./drafts";
import { Messages } from "./Messages";
import { People } from "./People";

/** The name under which customers know the business: the shop's. */
const SHOP = "Fern & Finch";

/** All customers, and the phone of the chosen one. */
export function PhoneSide({ choice }: { choice: Choice }) {
  return (
    <>
      <People choice={choice} />
      {choice.phone && <PhoneFrame choice={choice} phone={choice.phone} />}
    </>
  );
}

function PhoneFrame({ choice, phone }: { choice: Choice; phone: Phone }) {
  const draft = useDraft(choice.app, phone.address);
  const key = `${choice.app} ${phone.address}`;
  return (
    <section className="phone" data-app={choice.app} aria-labelledby="phone-owner">
      <h3 className="unseen" id="phone-owner">
        Phone of {nameOf(phone)}
      </h3>
      <StatusBar />
      <AppSwitch choice={choice} phone={phone} />
      <Partner choice={choice} phone={phone} />
      <Messages key={key} app={choice.app} address={phone.address} onOpener={draft.send} />
      <Composer draft={draft} focusKey={key} />
    </section>
  );
}

function StatusBar() {
  const now = useWorldTime(useValue<World>("world"));
  return (
    <div className="status-bar" aria-hidden="true">
      <span>{now === undefined ? "" : clockTime(now)}</span>
      <span className="speaker" />
      <svg viewBox="0 0 44 12" preserveAspectRatio="xMaxYMid">
        <path d="M1 11V8h2v3zM5 11V6h2v5zM9 11V4h2v7zM13 11V1h2v10z" />
        <path className="battery" d="M22 2h17v8H22zM41 4.5v3" />
        <path d="M23.5 3.5h11v5h-11z" />
      </svg>
    </div>
  );
}

function AppSwitch({ choice, phone }: { choice: Choice; phone: Phone }) {
  return (
    <div className="apps" role="group" aria-label="App">
      {APPS.map((app) => (
        <button
          key={app}
          type="button"
          data-app={app}
          aria-pressed={app === choice.app}
          onClick={() => choice.open(app)}
        >
          {APP_NAMES[app]}
          <Badge count={choice.unread(app, phone.address)} />
        </button>
      ))}
    </div>
  );
}

function Partner({ choice, phone }: { choice: Choice; phone: Phone }) {
  const world = useValue<World>("world");
  const typing = useValue<boolean>(`typing:${choice.app}:${phone.address}`) ?? false;
  return (
    <div className="partner">
      <span className="face face-shop">
        <Icon name="shop" />
      </span>
      <div className="partner-words">
        <strong>{SHOP}</strong>
        <span>{typing ? "typing…" : world?.numbers[choice.app].replace("whatsapp:", "")}</span>
      </div>
      <p className="owner">
        <span className="unseen">You are </span>
        <bdi>{nameOf(phone)}</bdi>
        <small>{phone.address}</small>
      </p>
    </div>
  );
}

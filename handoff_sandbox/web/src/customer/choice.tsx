/** Whose phone is in hand, which app is open on it, and what is unread on all of them. */

import { useCallback, useEffect, useState } from "react";
import type { Phone, PhoneApp, PhoneMessage } from "../api";
import { isNumber, isText, oneOf, recordOf, useRemembered } from "../shell/remembered";
import { useValue } from "../store";

export const APPS: PhoneApp[] = ["whatsapp", "sms"];

export const APP_NAMES: Record<PhoneApp, string> = { whatsapp: "WhatsApp", sms: "SMS" };

/** Where the store keeps what is on a phone. */
export function phoneKey(app: PhoneApp, address: string): string {
  return `phone:${app}:${address}`;
}

/** A name may be empty or blank: then the number has to do. */
export function nameOf(phone: Phone): string {
  return phone.name.trim() || phone.address;
}

export interface Choice {
  phones: Phone[];
  phone: Phone | undefined;
  app: PhoneApp;
  take: (address: string) => void;
  open: (app: PhoneApp) => void;
  /** Messages that nobody looked at in this window. */
  unread: (app: PhoneApp, address: string) => number;
  /** Tells how many messages have reached a phone; see `Watchers`. */
  count: (key: string, heard: number) => void;
}

const NO_PHONES: Phone[] = [];

/** The choice of this window. `visible`: is the phone on the screen, so that it is being read? */
export function useChoice(visible: boolean): Choice {
  const phones = useValue<Phone[]>("phones") ?? NO_PHONES;
  const [address, take] = useRemembered("phone", "", isText);
  const [app, open] = useRemembered<PhoneApp>("app", "whatsapp", oneOf("whatsapp", "sms"));
  const phone = phones.find((one) => one.address === address) ?? phones[0];
  const inHand = visible && phone ? phoneKey(app, phone.address) : "";
  const { unreadAt, count } = useUnread(inHand);
  const unread = (in_app: PhoneApp, of: string) => unreadAt(phoneKey(in_app, of));
  return { phones, phone, app, take, open, unread, count };
}

function useUnread(inHand: string) {
  const [heard, setHeard] = useState<Record<string, number>>({});
  const [seen, setSeen] = useRemembered("seen", {}, recordOf(isNumber));
  const count = useCallback(
    (key: string, now: number) => setHeard((before) => ({ ...before, [key]: now })),
    [],
  );
  const now = heard[inHand];
  useEffect(() => {
    if (now !== undefined) setSeen((before) => ({ ...before, [inHand]: now }));
  }, [inHand, now, setSeen]);
  const unreadAt = (key: string) =>
    key === inHand ? 0 : Math.max(0, (heard[key] ?? 0) - (seen[key] ?? 0));
  return { unreadAt, count };
}

/** All that is unread, on every phone. */
export function allUnread({ phones, unread }: Choice): number {
  const each = phones.flatMap(({ address }) => APPS.map((app) => unread(app, address)));
  return each.reduce((sum, one) => sum + one, 0);
}

/** Draws nothing; keeps count of what reaches each phone. */
export function Watchers({ choice }: { choice: Choice }) {
  return choice.phones.flatMap(({ address }) =>
    APPS.map((app) => {
      const key = phoneKey(app, address);
      return <Watcher key={key} of={key} count={choice.count} />;
    }),
  );
}

function Watcher({ of, count }: { of: string; count: Choice["count"] }) {
  const messages = useValue<PhoneMessage[]>(of);
  const heard = messages?.filter((one) => one.direction === "outbound").length ?? 0;
  useEffect(() => count(of, heard), [of, heard, count]);
  return null;
}

/** The current phone, its open app, and the unread messages of all phones. */

import { useCallback, useEffect, useState } from "react";
import type { Phone, PhoneApp, PhoneMessage } from "../api";
import { isNumber, isText, oneOf, recordOf, useRemembered } from "../shell/remembered";
import { useValue } from "../store";

export const APPS: PhoneApp[] = ["whatsapp", "sms"];

export const APP_NAMES: Record<PhoneApp, string> = { whatsapp: "WhatsApp", sms: "SMS" };

/** The store's key for a phone. */
export function phoneKey(app: PhoneApp, address: string): string {
  return `phone:${app}:${address}`;
}

/** A name may be empty or blank: then the number is shown. */
export function nameOf(phone: Phone): string {
  return phone.name.trim() || phone.address;
}

export interface Choice {
  phones: Phone[];
  phone: Phone | undefined;
  app: PhoneApp;
  take: (address: string) => void;
  open: (app: PhoneApp) => void;
  /** Messages that this window has not shown. */
  unread: (app: PhoneApp, address: string) => number;
  /** Reports how many messages have reached a phone; see `Watchers`. */
  count: (key: string, heard: number) => void;
}

const NO_PHONES: Phone[] = [];

/** The phone of this window. `visible`: whether it is on the screen, so that its messages are read. */
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

/** The number of unread messages on all phones. */
export function allUnread({ phones, unread }: Choice): number {
  const each = phones.flatMap(({ address }) => APPS.map((app) => unread(app, address)));
  return each.reduce((sum, one) => sum + one, 0);
}

/** Renders nothing; counts the messages on each phone. */
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

/** At phone width: which side is on the screen. */

import { Icon, type IconName } from "./Icon";
import { Badge } from "./Tabs";

export type Place = "phone" | "website" | "slack" | "backstage";

const PLACES: [place: Place, label: string, icon: IconName][] = [
  ["phone", "Phone", "phone"],
  ["website", "Website", "shop"],
  ["slack", "Slack", "chat"],
  ["backstage", "Behind the scenes", "backstage"],
];

interface Props {
  chosen: Place;
  onChoose: (place: Place) => void;
  unread: number;
}

/** The bar at the bottom of the page. */
export function TabBar({ chosen, onChoose, unread }: Props) {
  return (
    <nav className="tab-bar" aria-label="Sides">
      {PLACES.map(([place, label, icon]) => (
        <button
          key={place}
          type="button"
          aria-current={place === chosen ? "page" : undefined}
          onClick={() => onChoose(place)}
        >
          <Icon name={icon} />
          {label}
          {place === "phone" && <Badge count={unread} />}
        </button>
      ))}
    </nav>
  );
}

/** The page's own icons. */

const PATHS = {
  backstage: "M4 5h16M4 19h16M7 9v6M12 9v6M17 9v6",
  chat: "M4 5h16v11H9l-5 4z",
  clip: "M19 11l-7.5 7.5a4.5 4.5 0 0 1-6.4-6.4L13 4.3a3 3 0 0 1 4.2 4.2l-7.7 7.7a1.5 1.5 0 0 1-2.1-2.1L14 7.5",
  close: "M6 6l12 12M18 6L6 18",
  file: "M7 3h7l4 4v14H7zM14 3v4h4",
  moon: "M20 14.5A8.5 8.5 0 0 1 9.5 4 8.5 8.5 0 1 0 20 14.5z",
  open: "M14 4h6v6M20 4l-9 9M18 14v6H4V6h6",
  phone: "M7 2.5h10a1.5 1.5 0 0 1 1.5 1.5v16a1.5 1.5 0 0 1-1.5 1.5H7A1.5 1.5 0 0 1 5.5 20V4A1.5 1.5 0 0 1 7 2.5zM10.5 18.5h3",
  plus: "M12 5v14M5 12h14",
  question: "M8 8.5a4 4 0 1 1 5.8 3.6c-1.3.7-1.8 1.4-1.8 3M12 19.5v.1",
  send: "M4 12L20 4l-5 16-3.5-6.5z",
  shop: "M4 9l1.5-5h13L20 9M4 9a2.7 2.7 0 0 0 5.3 0 2.7 2.7 0 0 0 5.4 0A2.7 2.7 0 0 0 20 9M5.5 12v8h13v-8M10 20v-5h4v5",
  sun: "M12 16a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM12 2v2M12 20v2M2 12h2M20 12h2M5 5l1.4 1.4M17.6 17.6L19 19M5 19l1.4-1.4M17.6 6.4L19 5",
} as const;

export type IconName = keyof typeof PATHS;

/** An icon beside or in place of a text. Screen readers skip it, so its button needs a name. */
export function Icon({ name }: { name: IconName }) {
  return (
    <svg className="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">
      <path d={PATHS[name]} />
    </svg>
  );
}

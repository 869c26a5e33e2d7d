/** How the widget looks. A constructed sheet: no Content Security Policy forbids it, and no page can leak into it. */

const CSS = `
:host { all: initial; position: fixed; z-index: 2147483000; bottom: 20px; right: 20px;
  font: 15px/1.45 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; color-scheme: light;
  --accent: #0b5fff; --on-accent: #fff; --paper: #fff; --ink: #1a1d21; --soft: #5a6270; --line: #d9dde3;
  --theirs: #f0f2f5; --note: #f6f7f9; --bad: #b3261e; --seen: #0a66c2; }
:host([data-position="left"]) { right: auto; left: 20px; }
:host([data-dark]) { color-scheme: dark; --paper: #1b1d22; --ink: #eceef2; --soft: #a9b1bf; --line: #3a3f49;
  --theirs: #2a2e36; --note: #23262d; --bad: #ffb4ab; --seen: #8ab8ff; }
:host([hidden]) { display: none; }
* { box-sizing: border-box; }
button, textarea { font: inherit; color: inherit; }
button { cursor: pointer; border: 0; background: none; }
:focus-visible { outline: 3px solid var(--seen); outline-offset: 2px; }
[hidden] { display: none !important; }
.launcher { width: 60px; height: 60px; border-radius: 50%; background: var(--accent); color: var(--on-accent);
  box-shadow: 0 4px 16px rgb(0 0 0 / .28); display: grid; place-items: center; position: relative; }
.launcher svg { width: 28px; height: 28px; }
.badge { position: absolute; top: -4px; inset-inline-end: -4px; min-width: 24px; height: 24px; padding: 0 6px;
  border-radius: 12px; background: #c62828; color: #fff; font-size: 13px; font-weight: 700; line-height: 24px; }
.panel { position: absolute; width: 380px; max-width: calc(100vw - 40px);
  height: min(620px, calc(100vh - 116px)); background: var(--paper); color: var(--ink); border: 1px solid var(--line);
  border-radius: 16px; box-shadow: 0 12px 40px rgb(0 0 0 / .3); flex-direction: column; overflow: hidden;
  inset: auto; bottom: 76px; right: 0; margin: 0; padding: 0; max-height: none; }
.panel[open] { display: flex; }
.panel::backdrop { background: none; }
:host([data-position="left"]) .panel { right: auto; left: 0; }
header { background: var(--accent); color: var(--on-accent); padding: 12px 14px; display: flex; gap: 8px; align-items: center; }
h2 { font-size: 17px; margin: 0; flex: 1; overflow-wrap: anywhere; }
header button { border-radius: 8px; padding: 6px 10px; min-height: 36px; }
header :focus-visible { outline-color: var(--on-accent); }
.person { border: 1px solid currentColor; font-size: 14px; font-weight: 600; }
.person:disabled { opacity: .75; cursor: default; }
.close { width: 36px; display: grid; place-items: center; }
.status { padding: 8px 14px; background: var(--note); color: var(--soft); border-bottom: 1px solid var(--line); font-size: 13.5px; margin: 0; }
.status:empty { display: none; }
.status:has(.photo) { display: flex; align-items: center; }
.photo { width: 24px; height: 24px; border-radius: 50%; object-fit: cover; vertical-align: middle; margin-inline-end: 6px; flex: none; }
.aside { display: flex; flex-wrap: wrap; gap: 8px; align-items: center; padding: 8px 14px; background: var(--note); color: var(--soft);
  border-bottom: 1px solid var(--line); font-size: 13.5px; }
.aside p { margin: 0; flex: 1 0 100%; color: var(--ink); overflow-wrap: anywhere; }
.aside p:empty { display: none; }
.plain { min-height: 32px; padding: 4px 0; text-decoration: underline; color: var(--seen); }
.mailing { border-top: 1px solid var(--line); border-bottom: 0; align-items: flex-end; }
.mailing label { flex: 1 1 100%; display: grid; gap: 4px; }
.mailing input { font: inherit; color: var(--ink); background: var(--paper); border: 1px solid var(--soft); border-radius: 12px;
  padding: 9px 12px; min-width: 0; width: 100%; }
.log { flex: 1; overflow-y: auto; padding: 14px; display: flex; flex-direction: column; gap: 10px; overscroll-behavior: contain; }
.message { max-width: 84%; align-self: flex-start; }
.mine { align-self: flex-end; }
.who { font-size: 12.5px; color: var(--soft); margin: 0 4px 2px; }
.bubble { margin: 0; padding: 9px 12px; border-radius: 14px; background: var(--theirs); white-space: pre-wrap; overflow-wrap: anywhere;
  unicode-bidi: plaintext; }
.mine .bubble { background: var(--accent); color: var(--on-accent); }
.system .bubble { background: none; border: 1px dashed var(--line); color: var(--soft); }
.file img { display: block; max-width: 100%; max-height: 260px; border-radius: 8px; }
.bubble.file { width: fit-content; margin-bottom: 4px; }
.bubble a { color: inherit; text-decoration: underline; }
.meta { font-size: 12px; color: var(--soft); margin: 2px 4px 0; text-align: end; }
.mark.read { color: var(--seen); font-weight: 700; }
.failed .meta { color: var(--bad); }
.retry { color: var(--bad); text-decoration: underline; padding: 2px 6px; }
.choices { display: flex; flex-wrap: wrap; gap: 8px; padding: 0 14px 10px; max-height: 40%; overflow-y: auto; flex: none; }
.choice { min-height: 44px; min-width: 44px; max-width: 100%; padding: 8px 14px; border: 1px solid var(--seen); border-radius: 14px;
  color: var(--seen); background: var(--paper); font-weight: 600; text-align: start; overflow-wrap: anywhere; }
.choice:hover { background: var(--theirs); }
.choice[aria-disabled="true"] { opacity: .75; cursor: default; }
.typing { color: var(--soft); font-size: 13.5px; padding: 0 18px 8px; margin: 0; }
.notice { background: #5c3b00; color: #fff; padding: 8px 14px; font-size: 13.5px; margin: 0; }
form { display: flex; gap: 8px; padding: 10px; border-top: 1px solid var(--line); align-items: flex-end; }
textarea { flex: 1; resize: none; border: 1px solid var(--soft); border-radius: 12px; padding: 9px 12px; background: var(--paper);
  max-height: 140px; min-height: 42px; field-sizing: content; }
textarea::placeholder { color: var(--soft); opacity: 1; }
.clip { width: 36px; height: 42px; display: grid; place-items: center; flex: none; color: var(--soft); }
.clip svg { width: 22px; height: 22px; }
.send { width: 42px; height: 42px; border-radius: 12px; background: var(--accent); color: var(--on-accent); display: grid; place-items: center; flex: none; }
.send svg, .close svg { width: 20px; height: 20px; }
[dir="rtl"] .send svg { transform: scaleX(-1); }
.hidden { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
@media (max-width: 480px) {
  :host([data-open]) { inset: 0; }
  :host([data-open]) .launcher { display: none; }
  .panel, :host([data-position="left"]) .panel { position: fixed; inset: 0; width: 100%; max-width: none; height: auto; border: 0; border-radius: 0; }
}
@media (prefers-reduced-motion: no-preference) {
  .panel { animation: rise .16s ease-out; }
  @keyframes rise { from { opacity: 0; transform: translateY(10px); } }
}
@media (forced-colors: active) { .launcher, .send, .bubble, .choice { border: 1px solid; } }
`;

/** @returns {CSSStyleSheet} */
export function sheet() {
  const made = new CSSStyleSheet();
  made.replaceSync(CSS);
  return made;
}

/**
 * Black or white, whichever can be read on a colour.
 * @param {string} color in any way that CSS writes colours
 */
export function readableOn(color) {
  const hex = /^#([0-9a-f]{2})([0-9a-f]{2})([0-9a-f]{2})$/i.exec(plain(color));
  if (!hex) return "#fff";
  const [red, green, blue] = hex.slice(1).map((part) => linear(parseInt(part, 16) / 255));
  const luminance = 0.2126 * (red ?? 0) + 0.7152 * (green ?? 0) + 0.0722 * (blue ?? 0);
  return 1.05 / (luminance + 0.05) >= (luminance + 0.05) / 0.05 ? "#fff" : "#000";
}

/**
 * The colour as "#rrggbb", where it can be written so: "gold" and "#fe0" too.
 * @param {string} color
 */
function plain(color) {
  const brush = document.createElement("canvas").getContext("2d");
  if (!brush) return color;
  brush.fillStyle = color;
  return String(brush.fillStyle);
}

/** @param {number} part of a colour, 0 to 1 */
function linear(part) {
  return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
}

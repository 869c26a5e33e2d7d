/** Builds elements without HTML: what people wrote can never become markup. */

/**
 * @param {string} tag
 * @param {Record<string, string | boolean | undefined>} [attributes] undefined and false are left out
 * @param {...(Node | string)} children
 * @returns {HTMLElement}
 */
export function el(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== undefined && value !== false) made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children);
  return made;
}

const SVG = "http://www.w3.org/2000/svg";

/**
 * A picture of one stroke that says nothing to a screen reader.
 * @param {string} path
 */
export function icon(path) {
  const svg = document.createElementNS(SVG, "svg");
  const stroke = { fill: "none", stroke: "currentColor", "stroke-width": "2" };
  const round = { "stroke-linecap": "round", "stroke-linejoin": "round" };
  const all = { viewBox: "0 0 24 24", "aria-hidden": "true", ...stroke, ...round };
  for (const [name, value] of Object.entries(all)) svg.setAttribute(name, value);
  const line = document.createElementNS(SVG, "path");
  line.setAttribute("d", path);
  svg.append(line);
  return svg;
}

const ADDRESS = /https?:\/\/[^\s<>"']+/g;
/** What ends a sentence rather than an address. */
const TAIL = /[.,;:!?)\]}…]+$/;

/**
 * Text with its web addresses as links, everything else as it is.
 * @param {string} text
 * @returns {(Node | string)[]}
 */
export function linked(text) {
  const pieces = [];
  let from = 0;
  for (const found of text.matchAll(ADDRESS)) {
    const address = found[0].replace(TAIL, "");
    if (!URL.canParse(address)) continue;
    pieces.push(text.slice(from, found.index));
    pieces.push(el("a", { href: address, target: "_blank", rel: "noopener noreferrer nofollow" }, address));
    from = found.index + address.length;
  }
  pieces.push(text.slice(from));
  return pieces;
}

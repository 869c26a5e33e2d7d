/** What this browser keeps between pages. Where it may keep nothing (private windows), memory has to do. */

const PREFIX = "handoff:";
/** @type {Map<string, string>} */
const memory = new Map();

/**
 * @param {string} name
 * @returns {any} what was kept under this name, null when nothing (or nothing readable) was
 */
export function recall(name) {
  let text = memory.get(name) ?? null;
  try {
    text = localStorage.getItem(PREFIX + name) ?? text;
  } catch {
    // not allowed here
  }
  try {
    return text === null ? null : JSON.parse(text);
  } catch {
    return null;
  }
}

/**
 * Keep a value; undefined forgets it.
 * @param {string} name
 * @param {unknown} value
 */
export function keep(name, value) {
  const text = value === undefined ? null : JSON.stringify(value);
  if (text === null) memory.delete(name);
  else memory.set(name, text);
  try {
    if (text === null) localStorage.removeItem(PREFIX + name);
    else localStorage.setItem(PREFIX + name, text);
  } catch {
    // not allowed here, or no room
  }
}

/**
 * Call back when another tab has changed what is kept under this name.
 * @param {string} name
 * @param {() => void} changed
 */
export function onOthers(name, changed) {
  addEventListener("storage", (event) => {
    if (event.key === PREFIX + name) {
      memory.delete(name);
      changed();
    }
  });
}

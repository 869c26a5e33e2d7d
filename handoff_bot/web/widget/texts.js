/** What the widget says, by language. {n}, {name} and {minutes} are filled in. */

import { LANGUAGES } from "./languages.js";

/** Plural forms of a text have its name and their category: `unread.one`. @typedef {Record<string, string>} Texts */

/**
 * The texts for a page.
 * @param {(string | null | undefined)[]} wanted locales, the most wanted first
 * @returns {{locale: string, language: string, direction: "ltr" | "rtl", texts: Texts}}
 */
export function textsFor(wanted) {
  const locale = wanted.find((one) => one && languageOf(one) in LANGUAGES) ?? "en";
  const language = languageOf(locale);
  const texts = LANGUAGES[language] ?? {};
  return { locale, language, direction: texts.direction === "rtl" ? "rtl" : "ltr", texts };
}

/** @param {string} locale */
function languageOf(locale) {
  return locale.toLowerCase().split(/[-_]/)[0] ?? "";
}

/**
 * A text with its values, in the form that fits their number.
 * @param {{language: string, texts: Texts}} found
 * @param {string} key
 * @param {Record<string, string | number>} values
 */
export function fill({ language, texts }, key, values) {
  const number = Object.values(values).find((one) => typeof one === "number");
  const form = number === undefined ? "other" : new Intl.PluralRules(language).select(number);
  const text = texts[`${key}.${form}`] ?? texts[key] ?? "";
  return text.replace(/\{(\w+)\}/g, (_, name) => String(values[name] ?? ""));
}

import { languages } from "./data/languages.js";

/**
 * @typedef {import("../types/messages.d.ts").Statement} Statement
 * @typedef {Statement["values"][string]} Value
 */

/**
 * What a file of `_locales` holds.
 *
 * @typedef {Record<string, {message: string, placeholders?: Record<string, {content: string}>}>} Messages
 */

/** @typedef {NonNullable<import("../types/messages.d.ts").ExportMessage["language"]>} Language */

export const LANGUAGES = /** @type {readonly Language[]} */ (languages);

/**
 * @param {string | undefined} choice  what the user chose: a language, or "auto"
 * @param {string} preferred  the browser's language, as BCP 47 writes it
 * @returns {Language}
 */
export function languageFor(choice, preferred) {
  const chosen = LANGUAGES.find((language) => language === choice);
  if (chosen) return chosen;
  const primary = preferred.toLowerCase().split("-")[0];
  return LANGUAGES.find((language) => language === primary) ?? "en";
}

// Bidirectional controls in a stranger's text could turn the sentence around them.
const UNPRINTABLE = /[\p{Cc}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]+/gu;

/**
 * Text of a stranger, fit to stand in a line.
 *
 * @param {string} text
 */
export const plain = (text) => text.replace(UNPRINTABLE, " ").trim();

/**
 * A line of the host, which is written as command lines write it, as a sentence of its own.
 *
 * @param {string} line
 */
export const spoken = (line) =>
  plain(line)
    .replace(/^./u, (first) => first.toUpperCase())
    .replace(/[^.!?]$/u, "$&.");

const PLACEHOLDER = /\$(?:\$|([A-Za-z0-9_@]+)\$)/g;

/** So many texts of a list are written; ports are numbers, and all of them matter. */
const NAMED = 4;

/** The sentences of one language, and the ways in which it writes lists, dates and plurals. */
export class Catalogue {
  #messages;
  #plural;
  #list;
  #number;
  #date;
  #moment;

  /**
   * @param {Language} language
   * @param {Messages} messages
   */
  constructor(language, messages) {
    this.language = language;
    this.#messages = messages;
    this.#plural = new Intl.PluralRules(language);
    this.#list = new Intl.ListFormat(language, { type: "conjunction" });
    this.#number = new Intl.NumberFormat(language, { maximumFractionDigits: 1, useGrouping: "always" });
    this.#date = new Intl.DateTimeFormat(language, { dateStyle: "long" });
    this.#moment = new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "medium" });
  }

  /** @param {string} key */
  has(key) {
    return Object.hasOwn(this.#messages, key);
  }

  /**
   * The message of a key, with its placeholders replaced by name; one without a value stays. Where `count` is given, the
   * form of its plural category (`key_one`, …; `key_zero` for none at all) is preferred; the bare key is "other".
   *
   * @param {string} key
   * @param {Record<string, string>} [values]  names of placeholders in lower case
   * @param {number | null} [count]
   */
  text(key, values = {}, count = null) {
    return this.#filled(key, count, (name, whole) => values[name] ?? whole) ?? key;
  }

  /**
   * A word for a value of the model: `word("state", "no-answer")` is the message `state_no_answer`.
   *
   * @param {string} kind
   * @param {string} value
   */
  word(kind, value) {
    const key = `${kind}_${value.replaceAll("-", "_")}`;
    return this.has(key) ? this.text(key) : plain(value);
  }

  /**
   * A statement in words, by the rules of `host/poterne/report/catalogue.py`; nothing where there is no such message,
   * which only a newer host can have sent.
   *
   * @param {Statement} statement
   */
  said({ key, values, count }) {
    const named = new Map(Object.entries(values).map(([name, value]) => [name.toLowerCase(), value]));
    return this.#filled(key, count, (name) => this.#written(named.get(name) ?? "")) ?? "";
  }

  /**
   * @param {string} key
   * @param {number | null} count
   * @param {(name: string, whole: string) => string} fill  what stands in place of a placeholder
   * @returns {string | null}  null: there is no such message
   */
  #filled(key, count, fill) {
    const forms = count === null ? [key] : [`${key}_${this.#plural.select(count)}`, key];
    if (count === 0) forms.unshift(`${key}_zero`);
    const entry = this.#messages[forms.find((form) => this.has(form)) ?? key];
    if (!entry) return null;
    return entry.message.replace(PLACEHOLDER, (whole, /** @type {string | undefined} */ name) =>
      name === undefined ? "$" : fill(name.toLowerCase(), whole),
    );
  }

  /**
   * Statements one behind the other.
   *
   * @param {readonly Statement[]} statements
   */
  paragraph(statements) {
    return statements
      .map((statement) => this.said(statement))
      .filter((text) => text !== "")
      .join(" ");
  }

  /**
   * @param {Value} value
   * @returns {string}
   */
  #written(value) {
    if (Array.isArray(value)) {
      const items = value.map((item) => this.#written(item));
      const cut = items.length > NAMED && typeof value[0] !== "number";
      return this.list(cut ? [...items.slice(0, NAMED), "…"] : items);
    }
    if (typeof value !== "object") return plain(String(value));
    if ("key" in value) return this.said(value);
    if ("date" in value) return plain(this.date(value.date));
    return "number" in value ? this.number(value.number) : plain(value.text);
  }

  /** @param {string[]} items */
  list(items) {
    return this.#list.format(items);
  }

  /** @param {number} value */
  number(value) {
    return this.#number.format(value);
  }

  /** @param {string} iso  a day or a moment, ISO 8601 */
  date(iso) {
    return this.#formatted(this.#date, iso);
  }

  /** @param {string} iso */
  moment(iso) {
    return this.#formatted(this.#moment, iso);
  }

  /**
   * @param {Intl.DateTimeFormat} format
   * @param {string} iso
   */
  #formatted(format, iso) {
    const time = Date.parse(iso);
    return Number.isNaN(time) ? plain(iso) : format.format(time);
  }
}

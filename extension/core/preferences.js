/**
 * What a person may choose, as local storage holds it; an administrator may fix the same in managed storage.
 *
 * @typedef {object} Preferences
 * @property {string} [language]  of LANGUAGES, or "auto"
 * @property {string} [program]  the id of the mail program in whose words settings are said; empty for none
 * @property {boolean} [history]  whether runs are kept on this computer
 */

/**
 * @template Value
 * @typedef {{value: Value, managed: boolean}} Preference
 */

/** @typedef {{language: Preference<string>, program: Preference<string>, history: Preference<boolean>}} Effective */

/** What holds where nobody chose. */
const DEFAULTS = Object.freeze({ language: "auto", program: "", history: true });

export const PREFERENCES = /** @type {(keyof Effective)[]} */ (Object.keys(DEFAULTS));

/**
 * What holds, and whether the administrator says so; a value of the wrong type counts for nothing.
 *
 * @param {Record<string, unknown>} preferences
 * @param {import("./managed-settings.js").Managed} managed
 * @returns {Effective}
 */
export function effective(preferences, managed) {
  const all = PREFERENCES.map((name) => {
    const kind = typeof DEFAULTS[name];
    if (typeof managed[name] === kind) return [name, { value: managed[name], managed: true }];
    return [name, { value: typeof preferences[name] === kind ? preferences[name] : DEFAULTS[name], managed: false }];
  });
  return Object.fromEntries(all);
}

import { Catalogue, languageFor } from "../core/catalogue.js";
import { MAIL_PORTS } from "../core/mail-ports.js";

/** @typedef {import("../core/mail-programs.js").Programs} Programs */
/** @typedef {import("../types/page.d.ts").FormWords} FormWords */

/**
 * @param {string | undefined} choice  a language, or "auto"
 * @returns {Promise<Catalogue>}
 */
export async function catalogueFor(choice) {
  const language = languageFor(choice, chrome.i18n.getUILanguage());
  const response = await fetch(chrome.runtime.getURL(`_locales/${language}/messages.json`));
  return new Catalogue(language, await response.json());
}

/** @returns {Promise<Programs>} */
export async function loadPrograms() {
  const response = await fetch(new URL("../core/data/programs.json", import.meta.url));
  return response.json();
}

/** @returns {Promise<FormWords>} */
export async function loadFormWords() {
  const response = await fetch(new URL("../core/data/forms.json", import.meta.url));
  return { ...(await response.json()), ports: MAIL_PORTS };
}

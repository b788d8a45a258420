import { Catalogue, languageFor } from "../shared/catalogue.js";

/**
 * @param {string | undefined} choice  a language, or "auto"
 * @returns {Promise<Catalogue>}
 */
export async function catalogueFor(choice) {
  const language = languageFor(choice, chrome.i18n.getUILanguage());
  const response = await fetch(chrome.runtime.getURL(`_locales/${language}/messages.json`));
  return new Catalogue(language, await response.json());
}

/** Whether this page is in a private window, of which nothing is kept. */
export async function isPrivate() {
  if (chrome.extension.inIncognitoContext) return true;
  // Firefox for Android has no windows.
  return (await chrome.windows?.getCurrent())?.incognito ?? false;
}

/** @typedef {import("./causes.js").Cause} Cause */

/**
 * The browsers that `poterne install --browser` knows, by the brands that they give themselves (User-Agent Client
 * Hints). All of Chromium's family also say "Chromium": alone, it is the distribution's.
 *
 * @type {readonly (readonly [string, string])[]}
 */
const BRANDS = [
  ["Microsoft Edge", "edge"],
  ["Brave", "brave"],
  ["Vivaldi", "vivaldi"],
  ["Opera", "opera"],
  ["Google Chrome", "chrome"],
  ["Chromium", "chromium"],
];

/** Those of Firefox's family, by the names that they give to extensions. */
const GECKO = ["firefox", "librewolf", "thunderbird"];

/**
 * @param {readonly string[]} brands  empty where the browser has no client hints: Firefox and its family
 * @param {string} [product]  what such a browser calls itself
 * @returns {string}
 */
export function browserName(brands, product = "") {
  const named = BRANDS.find(([brand]) => brands.includes(brand))?.[1];
  return named ?? GECKO.find((name) => name === product.toLowerCase()) ?? "firefox";
}

/** @type {Record<Cause, readonly string[]>} */
const STEPS = {
  "host-missing": ["pipx install poterne", "poterne install --browser $BROWSER"],
  "host-forbidden": ["poterne install --browser $BROWSER"],
  "host-crashed": ["poterne doctor --browser $BROWSER"],
  "host-blocked-by-policy": ["poterne doctor --browser $BROWSER"],
  "host-outdated": ["pipx upgrade poterne", "poterne install --browser $BROWSER"],
  "extension-outdated": ["$EXTENSIONS"],
};

/**
 * What to paste into a terminal, or for an old extension into the address bar.
 *
 * @param {Cause} cause
 * @param {string} browser
 * @param {string} os  as `runtime.getPlatformInfo` names it
 */
export function commandFor(cause, browser, os) {
  const steps = STEPS[cause].map((step) =>
    step
      .replace("$BROWSER", browser)
      .replace("$EXTENSIONS", GECKO.includes(browser) ? "about:addons" : "chrome://extensions"),
  );
  // Windows PowerShell 5 has no "&&"; a line each is understood by every shell there.
  return steps.join(os === "win" ? "\n" : " && ");
}

/** @typedef {import("./causes.js").Cause} Cause */

/**
 * The browsers that `poterne install --browser` knows, by the brands that they give themselves (User-Agent Client
 * Hints). A Chromium browser that only says "Chromium" is the distribution's.
 *
 * @type {readonly (readonly [string, string])[]}
 */
const BRANDS = [
  ["Google Chrome", "chrome"],
  ["Chromium", "chromium"],
];

/**
 * @param {readonly string[]} brands  empty where the browser has no client hints: Firefox
 * @returns {string}
 */
export function browserName(brands) {
  return BRANDS.find(([brand]) => brands.includes(brand))?.[1] ?? "firefox";
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
      .replace("$EXTENSIONS", browser === "firefox" ? "about:addons" : "chrome://extensions"),
  );
  // Windows PowerShell 5 has no "&&"; a line each is understood by every shell there.
  return steps.join(os === "win" ? "\n" : " && ");
}

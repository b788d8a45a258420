import { installer } from "./data/installer.js";

/** @typedef {import("./host-problems.js").HostProblem} HostProblem */
/** @typedef {Record<"install" | "upgrade", Record<"linux" | "darwin" | "win32", string>>} Installer */

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

/** What stands for a line of the installer's own. */
const LINES = /** @type {Record<string, keyof Installer>} */ ({ $INSTALL: "install", $UPGRADE: "upgrade" });

/** @type {Record<HostProblem, readonly string[]>} */
const STEPS = {
  "host-missing": ["$INSTALL", "poterne install --browser $BROWSER"],
  "host-forbidden": ["poterne install --browser $BROWSER"],
  "host-crashed": ["poterne doctor --browser $BROWSER"],
  "host-blocked-by-policy": ["poterne doctor --browser $BROWSER"],
  "host-outdated": ["$UPGRADE", "poterne install --browser $BROWSER"],
  "extension-outdated": ["$EXTENSIONS"],
};

/**
 * What to paste into a terminal, or for an old extension into the address bar.
 *
 * @param {HostProblem} cause
 * @param {string} browser
 * @param {string} os  as `runtime.getPlatformInfo` names it
 * @param {Installer} [lines]  the installer's own, each empty where no release has filled it in
 */
export function commandForProblem(cause, browser, os, lines = installer) {
  const steps = STEPS[cause].map((step) =>
    (lineOf(step, os, lines) ?? step)
      .replace("$BROWSER", browser)
      .replace("$EXTENSIONS", GECKO.includes(browser) ? "about:addons" : "chrome://extensions"),
  );
  // Windows PowerShell 5 has no "&&"; a line each is understood by every shell there.
  return steps.filter((step) => step !== "").join(os === "win" ? "\n" : " && ");
}

/**
 * The key of the sentence that says what has to be done before that command; null where the command does it all.
 *
 * @param {HostProblem} cause
 * @param {string} os
 * @param {Installer} [lines]
 */
export function stepBeforeCommand(cause, os, lines = installer) {
  const missing = STEPS[cause].find((step) => lineOf(step, os, lines) === "");
  return missing === undefined ? null : `ui_${LINES[missing]}_first`;
}

/**
 * @param {string} step
 * @param {string} os
 * @param {Installer} lines
 * @returns {string | null}  null: the step is none of the installer's
 */
function lineOf(step, os, lines) {
  const kind = LINES[step];
  return kind ? lines[kind][os === "win" ? "win32" : os === "mac" ? "darwin" : "linux"] : null;
}

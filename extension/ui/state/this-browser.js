import { browserName } from "../../core/install-commands.js";

/**
 * The browser and the operating system.
 *
 * @returns {Promise<{os: string, browser: string}>}
 */
export async function thisBrowser() {
  const { os } = await chrome.runtime.getPlatformInfo();
  // Client hints are not in the standard library's types.
  const { userAgentData } = /** @type {Navigator & {userAgentData?: {brands: {brand: string}[]}}} */ (navigator);
  const { getBrowserInfo } = /** @type {{getBrowserInfo?: () => Promise<{name: string}>}} */ (
    /** @type {unknown} */ (chrome.runtime)
  );
  const product = (await getBrowserInfo?.())?.name;
  return { os, browser: browserName(userAgentData?.brands.map(({ brand }) => brand) ?? [], product) };
}

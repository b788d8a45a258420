/**
 * Whether this page is in a private window, of which nothing is kept, or about a tab of one: Chromium shows a report in
 * a usual window, whichever tab it is bound to.
 *
 * @param {number | null} tab
 */
export async function isPrivateWindow(tab) {
  if (chrome.extension.inIncognitoContext) return true;
  // Firefox for Android has no windows.
  if ((await chrome.windows?.getCurrent())?.incognito) return true;
  if (tab === null) return false;
  return chrome.tabs.get(tab).then(
    ({ incognito }) => incognito,
    () => false,
  );
}

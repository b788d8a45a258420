/**
 * Stores what somebody has chosen. Where there is no room, the control shows again what is chosen still.
 *
 * @param {Record<string, unknown>} choice
 * @param {HTMLSelectElement | HTMLInputElement} [control]
 * @returns {Promise<boolean>}  whether it is stored
 */
export async function storeChoice(choice, control) {
  try {
    await chrome.storage.local.set(choice);
    return true;
  } catch {
    if (control instanceof HTMLInputElement) control.checked = control.defaultChecked;
    else if (control)
      control.selectedIndex = Math.max(
        0,
        [...control.options].findIndex((one) => one.defaultSelected),
      );
    return false;
  }
}

import { isVerifiedEncrypted } from "./verified-settings.js";

/**
 * @typedef {import("../types/messages.d.ts").Report} Report
 * @typedef {import("../types/messages.d.ts").Setting} Setting
 * @typedef {import("../types/messages.d.ts").Observation} Observation
 */

/**
 * @typedef {{host: string, port: number, family: 4 | 6}} Place
 * @typedef {Place & {before: Observation | null, after: Observation | null, changed: boolean}} Door
 * @typedef {{setting: Setting, before: boolean, after: boolean}} SettingChange
 */

/** @param {Place} place */
const placeKey = ({ host, port, family }) => `${host} ${port} ${family}`;

/**
 * One observation for each host, port and family: an open address counts before others.
 *
 * @param {Report} report
 */
function doorsOf({ observations }) {
  /** @type {Map<string, Observation>} */
  const doors = new Map();
  for (const one of observations.filter(({ role }) => role === "target")) {
    const known = doors.get(placeKey(one));
    if (!known || (known.state !== "open" && one.state === "open")) doors.set(placeKey(one), one);
  }
  return doors;
}

/** @param {Observation | null} door */
const shown = (door) => door && [door.state, door.security, door.tls?.fault ?? null, door.greeting_kind].join(" ");

/** @param {Report} report */
const verifiedIn = ({ settings }) => [...settings.outgoing, ...settings.incoming].filter(isVerifiedEncrypted);

/** @param {Setting} setting */
const settingKey = ({ protocol, host, port, security }) => `${protocol} ${host} ${port} ${security}`;

/**
 * What two reports say side by side: doors by host and port in rising order, settings that were verified in either.
 *
 * @param {Report} before
 * @param {Report} after
 * @returns {{verdict: boolean, doors: Door[], settings: SettingChange[]}}  `verdict`: it is another one
 */
export function compareReports(before, after) {
  const [old, now] = [doorsOf(before), doorsOf(after)];
  const places = [...new Map([...old, ...now]).values()].sort(
    (one, other) => one.host.localeCompare(other.host) || one.port - other.port || one.family - other.family,
  );
  const doors = places.map(({ host, port, family }) => {
    const key = placeKey({ host, port, family });
    const [first, second] = [old.get(key) ?? null, now.get(key) ?? null];
    return { host, port, family, before: first, after: second, changed: shown(first) !== shown(second) };
  });
  const [had, has] = [before, after].map((report) => new Map(verifiedIn(report).map((one) => [settingKey(one), one])));
  const settings = [...new Map([...(had ?? []), ...(has ?? [])])].map(([key, setting]) => ({
    setting,
    before: had?.has(key) ?? false,
    after: has?.has(key) ?? false,
  }));
  return { verdict: before.verdict.code !== after.verdict.code, doors, settings };
}

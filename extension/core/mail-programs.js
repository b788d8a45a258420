/** @typedef {import("../types/messages.d.ts").Setting} Setting */
/** @typedef {import("./catalogue.js").Language} Language */
/** @typedef {Setting["protocol"]} Protocol */
/** @typedef {"section" | "host" | "port" | "security" | "username"} Field */

/**
 * Words as a program shows them: English, and other languages where they are known.
 *
 * @typedef {{en: string} & Partial<Record<Language, string>>} Words
 * @typedef {Partial<Record<Field, Words>>} Labels
 */

/**
 * A fact to know about a program, for the settings whose protocol and security are among those named, or for all.
 *
 * @typedef {Words & {when: {protocol?: Protocol[], security?: Setting["security"][]}}} Remark
 */

/**
 * What a mail program calls each setting. `labels` are those of a protocol or of a direction; `choices` is what to
 * choose for each kind of encryption; `ports` are the only ones that it can use; `address` says how it wants server and
 * port where both stand in one field. `sources` name who says so.
 *
 * @typedef {object} Program
 * @property {string} id
 * @property {Words} name
 * @property {Protocol[]} protocols
 * @property {Partial<Record<Protocol, number[]>>} [ports]
 * @property {Partial<Record<Protocol | "incoming" | "outgoing", Labels>>} labels
 * @property {Record<"tls" | "starttls", Words>} choices
 * @property {Record<"tls" | "starttls", string>} [address]
 * @property {Remark[]} [remarks]
 * @property {string[]} sources
 */

/**
 * `date` is that of the source itself, `read` (ISO 8601) that of reading it.
 *
 * @typedef {{title: string, organisation: string, place: string, date: string | null}} Source
 * @typedef {{read: string, sources: Record<string, Source>, programs: Program[]}} Programs
 */

/**
 * What to type or choose. `label` is null where the program's own word is not known (a general one helps there).
 *
 * @typedef {{field: Field, label: string | null, value: string}} ProgramField
 */

const FIELDS = /** @type {const} */ (["host", "port", "security", "username"]);

/**
 * @param {Words} words
 * @param {Language} language
 */
const said = (words, language) => words[language] ?? words.en;

/**
 * The programs to choose from, by name.
 *
 * @param {Programs} all
 * @param {Language} language
 * @returns {{id: string, name: string}[]}
 */
export const programChoices = ({ programs }, language) =>
  programs
    .map(({ id, name }) => ({ id, name: said(name, language) }))
    .sort((one, other) => one.name.localeCompare(other.name, language));

/**
 * @param {Programs} all
 * @param {string | null | undefined} id  what was remembered, perhaps of another version
 * @returns {Program | null}
 */
export const programById = ({ programs }, id) => programs.find((program) => program.id === id) ?? null;

/**
 * Whether the program can use a setting at all; one without encryption never fits.
 *
 * @param {Program} program
 * @param {Setting} setting
 */
export function programSupports(program, { protocol, port, security }) {
  if (security === "none" || !program.protocols.includes(protocol)) return false;
  return program.ports?.[protocol]?.includes(port) ?? true;
}

/**
 * The settings of one direction as they are offered: first the best that the program can use, or null where it can use
 * none of those that work from here. Without a program, and where nothing is encrypted, the order stays.
 *
 * @param {Program | null} program
 * @param {readonly Setting[]} list  the best first
 * @returns {{first: Setting | null, rest: Setting[]}}
 */
export function offeredSettings(program, list) {
  const encrypted = list.filter(({ security }) => security !== "none");
  if (!program || encrypted.length === 0) return { first: list[0] ?? null, rest: list.slice(1) };
  const tested = encrypted.some(({ verified }) => verified);
  const usable = list.filter((setting) => programSupports(program, setting));
  const first = usable.find(({ verified }) => verified || !tested) ?? null;
  const rest = [...usable, ...list.filter((setting) => !usable.includes(setting))];
  return { first, rest: rest.filter((setting) => setting !== first) };
}

/**
 * What to type, in the program's words and order: nothing where the setting does not fit.
 *
 * @param {Program} program
 * @param {Setting} setting
 * @param {Language} language
 * @param {string | null} [user]  the user name, where it is known
 * @returns {ProgramField[]}
 */
export function programFields(program, setting, language, user = null) {
  const { security } = setting;
  if (security === "none" || !programSupports(program, setting)) return [];
  const { host, port } = setting;
  const together = program.address?.[security];
  /** @type {Record<typeof FIELDS[number], string | null>} */
  const values = {
    host: together ? filled(together, host, port) : host,
    port: together ? null : String(port),
    // Where the address begins with its encryption, there is nothing to choose.
    security: together?.startsWith(program.choices[security].en) ? null : said(program.choices[security], language),
    username: user,
  };
  const labels = labelsFor(program, setting);
  return FIELDS.flatMap((field) => {
    const value = values[field];
    const label = labels[field];
    return value === null ? [] : [{ field, label: label ? said(label, language) : null, value }];
  });
}

/**
 * What the program calls this half of the account, such as "Incoming server"; null where it has no such heading.
 *
 * @param {Program} program
 * @param {Setting} setting
 * @param {Language} language
 */
export function accountSection(program, setting, language) {
  const label = labelsFor(program, setting).section;
  return label ? said(label, language) : null;
}

/**
 * What to know about the program before this setting is typed into it.
 *
 * @param {Program} program
 * @param {Pick<Setting, "protocol" | "security">} setting
 * @param {Language} language
 * @returns {string[]}
 */
export const programRemarks = (program, { protocol, security }, language) =>
  (program.remarks ?? [])
    .filter(({ when }) => when.protocol?.includes(protocol) ?? program.protocols.includes(protocol))
    .filter(({ when }) => when.security?.includes(security) ?? true)
    .map((remark) => said(remark, language));

/**
 * The remarks that hold for every one of several settings that the program can use: they need be made only once.
 *
 * @param {Program} program
 * @param {readonly Setting[]} settings
 * @param {Language} language
 * @returns {string[]}
 */
export function commonRemarks(program, settings, language) {
  const [first, ...others] = settings.filter((setting) => programSupports(program, setting));
  if (!first || others.length === 0) return [];
  const each = others.map((setting) => new Set(programRemarks(program, setting, language)));
  return programRemarks(program, first, language).filter((remark) => each.every((made) => made.has(remark)));
}

/**
 * Who says so.
 *
 * @param {Programs} all
 * @param {Program} program
 * @returns {Source[]}
 */
export const sourcesOf = ({ sources }, program) => program.sources.flatMap((id) => sources[id] ?? []);

/**
 * @param {Program} program
 * @param {Setting} setting
 * @returns {Labels}
 */
const labelsFor = ({ labels }, { protocol }) =>
  labels[protocol] ?? labels[protocol === "smtp" ? "outgoing" : "incoming"] ?? {};

/**
 * @param {string} pattern
 * @param {string} host  an IPv6 address takes brackets before a port (RFC 3986 section 3.2.2)
 * @param {number} port
 */
const filled = (pattern, host, port) =>
  pattern.replace(/\{(host|port)\}/g, (_, name) =>
    name === "port" ? String(port) : host.includes(":") ? `[${host}]` : host,
  );

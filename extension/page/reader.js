(() => {
  const page = globalThis.poternePage;
  const { normal, matches, short } = page.words;

  /** @typedef {import("../types/page.d.ts").Control} Control */
  /** @typedef {import("../types/page.d.ts").Direction} Direction */
  /** @typedef {import("../types/page.d.ts").Field} Field */
  /** @typedef {import("../types/page.d.ts").FormWords} FormWords */
  /** @typedef {import("../types/page.d.ts").KeptField} KeptField */
  /** @typedef {import("../types/page.d.ts").Meaning} Meaning */
  /** @typedef {import("../types/page.d.ts").PageServer} PageServer */

  /** @typedef {{control: Control, kind: Field | "address" | "protocol", texts: string[], meanings: (Meaning | null)[], direction: Direction | null}} Found */

  const MOST_SERVERS = 6;
  const HOST_NAME = /^(?=.{3,253}$)(?:[\p{L}\p{N}_](?:[\p{L}\p{N}_-]{0,62})\.)+[\p{L}\p{N}-]{2,63}\.?$/u;
  const IP = /^(?:\d{1,3}(?:\.\d{1,3}){3}|\[?[\da-f]{0,4}(?::[\da-f]{0,4}){2,7}\]?)$/iu;
  const PLACE = /^(?:(?<scheme>[a-z][a-z\d+.-]{1,12}):\/\/)?(?<host>\[[^\]]+\]|[^\s:/@]+)(?::(?<port>\d{1,5}))?\/?$/iu;
  const ADDRESS = /^[^\s@<>"(),:;]{1,64}@(?:[\p{L}\p{N}-]{1,63}\.)+[\p{L}\p{N}-]{2,63}$/u;

  /** As Roundcube and PHP write them: `tls://` is STARTTLS there. @type {Record<string, Meaning>} */
  const SCHEMES = { ssl: "tls", tls: "starttls", smtps: "tls", submissions: "tls", imaps: "tls", pop3s: "tls", pops: "tls" };

  page.kept ??= new Map();
  page.token ??= [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");

  /** @param {Control} control */
  const textsOf = (control) => [...control.labels.map(({ text }) => text), control.hints].map(normal).filter(Boolean);

  /**
   * How strongly the names of a control speak for a kind.
   *
   * @param {Control} control
   * @param {readonly string[]} patterns
   */
  function weight({ labels, hints }, patterns) {
    const spoken = labels.filter(({ text }) => matches(normal(text), patterns)).map((label) => label.weight);
    return Math.max(0, ...spoken) + (matches(normal(hints), patterns) ? 2 : 0);
  }

  /**
   * @param {readonly string[]} texts
   * @param {FormWords} words
   * @returns {Direction | null}
   */
  function directionIn(texts, words) {
    for (const text of texts) {
      const out = matches(text, words.outgoing);
      if (out !== matches(text, words.incoming)) return out ? "outgoing" : "incoming";
    }
    return null;
  }

  /**
   * @param {Control} control
   * @param {FormWords} words
   * @returns {Found | null}
   */
  function classify(control, words) {
    const texts = textsOf(control);
    const direction = directionIn(texts, words) ?? directionIn(control.headings.map(normal), words);
    /** @type {(kind: Found["kind"], meanings?: (Meaning | null)[]) => Found} */
    const found = (kind, meanings = []) => ({ control, kind, texts, meanings, direction });
    if (control.kind === "text") return typed(control, words, found);
    if (control.kind === "check") {
      const label = control.labels[0]?.text ?? "";
      const encrypts = page.choices.meaning(label, "", words);
      const secures = matches(normal(label), words.security) || /ssl|tls/u.test(normal(control.hints));
      if (!secures || encrypts === "none" || weight(control, words.authentication) > 0) return null;
      return found("security", [encrypts === "starttls" || encrypts === "tls" ? encrypts : "either"]);
    }
    return choice(control, words, found);
  }

  /** A field for no more than a port's digits. @param {HTMLInputElement} input */
  const holdsPort = ({ type, maxLength }) => type === "number" || (maxLength > 1 && maxLength <= 5);

  /** Whether a field is called a server and a port: "Server:Port". @param {Control} control */
  const namesBoth = ({ labels }) => labels.some(({ text }) => /\p{L}\s*[:/&+]\s*(?:port|puerto|porta|poort)\b/iu.test(text));

  /**
   * @param {Control} control
   * @param {FormWords} words
   * @param {(kind: Found["kind"]) => Found} found
   */
  function typed(control, words, found) {
    const input = /** @type {HTMLInputElement} */ (control.element);
    const small = holdsPort(input);
    const other = weight(control, words.other);
    const example = input.placeholder.trim();
    const port = weight(control, words.port) + (/^\d{2,5}$/u.test(example) ? 3 : 0);
    const named = weight(control, words.host);
    const host = Math.max(named, weight(control, words.address_of_server) - 1) + (HOST_NAME.test(example) && !example.includes("@") ? 2 : 0);
    const address = input.type === "email" ? 3 : weight(control, words.address);
    const together = namesBoth(control);
    if (together && host > 0 && !small) return found("host");
    if (port > 0 && port >= other && (port >= host || small || matches(normal(control.hints), words.port))) return found("port");
    if (host > 0 && host > other && !small && input.type !== "email") {
      // "Mail server" is both; what is called a server is one.
      return address > host && named === 0 ? found("address") : found("host");
    }
    if (address > 0 && address >= other) return found("address");
    // A field without a name tells what it is by standing beside a server (see `unnamed`).
    return null;
  }

  /**
   * @param {Control} control
   * @param {FormWords} words
   * @param {(kind: Found["kind"], meanings?: (Meaning | null)[]) => Found} found
   */
  function choice(control, words, found) {
    const all = page.controls.options(control);
    const texts = all.map(({ text }) => normal(text));
    const meanings = all.map(({ text, value }) => page.choices.meaning(text, value, words));
    const settled = page.choices.settled(meanings);
    const encrypted = all.filter(({ text, value }) => /ssl|tls/u.test(`${normal(text)} ${normal(value)}`)).length;
    const numbers = all.filter(({ text }) => /^\d{2,5}\b/u.test(text)).length;
    const security = weight(control, words.security);
    const signsIn = texts.filter((text) => matches(text, words.sign_in)).length;
    const authenticates = weight(control, words.authentication) > security || signsIn > encrypted;
    if (weight(control, words.port) > 0 || (numbers > 0 && numbers * 2 >= all.length)) {
      return weight(control, words.port) > 0 || all.some(({ text }) => mailPort(Number.parseInt(text, 10), words)) ? found("port", meanings) : null;
    }
    const protocols = texts.filter((text) => protocolIn([text], words) !== null).length;
    const known = meanings.filter((meaning) => meaning !== null).length;
    if (!authenticates && (encrypted > 0 || security > 0) && (known >= 2 || (known === 1 && security > 0))) {
      // A list of protocols names encrypted ones too.
      if (security > 0 || protocols < encrypted || meanings.includes("none")) return found("security", settled);
    }
    if (protocols > 0 && protocols * 2 >= all.length) return found("protocol");
    if (control.kind === "list") {
      const shown = page.choices.meaning(page.controls.read(control), "", words);
      if (security > 0 && !authenticates && all.length === 0) return found("security", []);
      if (all.length === 0 && shown !== null && /ssl|tls/iu.test(page.controls.read(control))) return found("security", []);
      if (all.length === 0 && weight(control, words.protocol) > 0) return found("protocol");
    }
    if (weight(control, words.host) > weight(control, words.other) && all.some(({ text }) => HOST_NAME.test(text))) return found("host");
    return null;
  }

  /**
   * @param {number} port
   * @param {FormWords} words
   */
  const mailPort = (port, { ports }) => ports.some(({ number }) => number === port);

  /**
   * @param {readonly string[]} texts
   * @param {FormWords} words
   */
  function protocolIn(texts, { protocols }) {
    for (const text of texts) {
      const named = /** @type {const} */ (["smtp", "imap", "pop3"]).filter((name) => matches(text, protocols[name]));
      if (named.length === 1) return named[0];
    }
    return null;
  }

  /**
   * A small field without a name that directly follows a server's is its port.
   *
   * @param {Found[]} found
   * @param {Control[]} controls
   * @param {FormWords} words
   */
  function unnamed(found, controls, words) {
    const known = new Set(found.map(({ control }) => control));
    for (const { control, kind } of [...found]) {
      if (kind !== "host") continue;
      const next = controls[control.order + 1];
      if (!next || next.kind !== "text" || known.has(next) || next.labels.length > 0) continue;
      const input = /** @type {HTMLInputElement} */ (next.element);
      const numeric = holdsPort(input) || mailPort(Number(page.controls.read(next)), words);
      if (numeric) found.push({ control: next, kind: "port", texts: textsOf(next), meanings: [], direction: null });
    }
  }

  /**
   * How far apart two controls stand in the document: steps up to what holds both.
   *
   * @param {Element} one
   * @param {Element} other
   */
  function distance(one, other) {
    let steps = 0;
    for (let node = /** @type {Element | null} */ (one); node; node = node.parentElement ?? hostOf(node)) {
      if (node.contains(other)) return steps;
      steps += 1;
    }
    return 1000;
  }

  /** @param {Node} node */
  const hostOf = (node) => /** @type {ShadowRoot} */ (node.getRootNode()).host ?? null;

  /** @param {Element} element */
  const formOf = (element) =>
    /** @type {HTMLInputElement} */ (element).form ?? element.closest("form,[role=form],[role=dialog],dialog");

  /**
   * The server that a port, a choice of security or of a protocol belongs to.
   *
   * @param {Found} part
   * @param {Found[]} hosts
   */
  function owner(part, hosts) {
    const form = formOf(part.control.element);
    const fitting = hosts.filter(
      (host) =>
        host.control.element.ownerDocument === part.control.element.ownerDocument &&
        (formOf(host.control.element) === form || !form || !formOf(host.control.element)) &&
        (!host.direction || !part.direction || host.direction === part.direction),
    );
    const rated = fitting.map((host) => {
      const after = part.control.order > host.control.order;
      const agrees = host.direction !== null && host.direction === part.direction;
      const steps = distance(part.control.element, host.control.element);
      const gap = Math.abs(part.control.order - host.control.order);
      return { host, rank: (agrees ? 0 : 100) + steps * 4 + (after ? 0 : 3) + gap * 0.5 };
    });
    return rated.sort((one, other) => one.rank - other.rank)[0]?.host ?? null;
  }

  /**
   * @param {Found} part
   * @returns {import("../types/page.d.ts").Said}
   */
  function said({ control }) {
    const label = control.labels.find(({ weight: sure }) => sure > 2)?.text ?? "";
    return { label: label.replace(/[\s:：*]+$/u, ""), value: page.controls.read(control).slice(0, 253), locked: page.controls.locked(control) };
  }

  /**
   * @param {Found} part
   * @param {PageServer["port"]} port
   * @param {FormWords} words
   * @returns {NonNullable<PageServer["security"]>}
   */
  function securityOf(part, port, words) {
    const { control, meanings } = part;
    const base = said(part);
    /** @type {Meaning | null} */
    let means = null;
    if (control.kind === "check") means = page.controls.read(control) === "on" ? meanings[0] : "none";
    else {
      const index = page.controls.chosen(control);
      means = index >= 0 ? meanings[index] : control.kind === "checks" ? "none" : page.choices.meaning(base.value, "", words);
    }
    if (means === "either" && port?.port) {
      means = words.ports.find(({ number }) => number === port.port)?.begins ?? means;
    }
    const offers = control.kind === "check" ? [...meanings.flatMap((one) => one ?? []), /** @type {const} */ ("none")] : meanings.flatMap((one) => one ?? []);
    return { ...base, means, offers: control.kind === "list" && meanings.length === 0 ? null : offers };
  }

  /**
   * @param {Found} part
   * @returns {NonNullable<PageServer["port"]>}
   */
  function portOf(part) {
    const { control } = part;
    const base = said(part);
    const number = Number(/\d{1,5}/u.exec(base.value)?.[0] ?? Number.NaN);
    const offers =
      control.kind === "text"
        ? null
        : page.controls.options(control).flatMap(({ text }) => (/\d{2,5}/u.test(text) ? [Number(/\d{2,5}/u.exec(text)?.[0])] : []));
    return { ...base, port: number >= 1 && number <= 65535 ? number : null, offers: control.kind === "list" && offers?.length === 0 ? null : offers };
  }

  /**
   * @param {Found} host
   * @param {Found[]} parts
   * @param {FormWords} words
   * @param {number} index
   * @returns {PageServer | null}
   */
  function serverOf(host, parts, words, index) {
    const first = (/** @type {Found["kind"]} */ kind) => parts.find((part) => part.kind === kind) ?? null;
    const [portPart, securityPart, protocolPart] = [first("port"), first("security"), first("protocol")];
    const port = portPart && portOf(portPart);
    const held = said(host);
    const place = PLACE.exec(held.value)?.groups ?? {};
    const withPort = place["port"] !== undefined || place["scheme"] !== undefined;
    const asksBoth = namesBoth(host.control);
    const together = !portPart && (withPort || asksBoth);
    const security = securityPart && securityOf(securityPart, port, words);
    const chosen = protocolPart ? protocolIn([normal(page.controls.read(protocolPart.control))], words) : null;
    const titles = host.control.headings.map(normal);
    let protocol = chosen ?? protocolIn([...host.texts, ...(portPart?.texts ?? [])], words) ?? protocolIn(titles, words);
    const number = port?.port ?? (place["port"] ? Number(place["port"]) : null);
    const usual = words.ports.find((row) => row.number === number) ?? null;
    const byPort = usual?.direction ?? null;
    const byName = directionIn([normal(held.value.split(".")[0] ?? "")], words);
    const byProtocol = chosen === null ? null : chosen === "smtp" ? "outgoing" : "incoming";
    const byOffers = port?.offers ? directionOf(port.offers, words) : null;
    const direction = byProtocol ?? host.direction ?? portPart?.direction ?? byPort ?? byOffers ?? byName ?? null;
    if (direction === "outgoing") protocol ??= "smtp";
    if (protocol && direction && (protocol === "smtp") !== (direction === "outgoing")) protocol = null;
    if (direction === "incoming" && !protocol) protocol = usual?.direction === "incoming" ? usual.dialogue : null;
    const ofMail =
      [...host.texts, ...titles, ...parts.flatMap(({ texts }) => texts)].some((text) => matches(text, words.mail)) ||
      (number !== null && mailPort(number, words)) ||
      byOffers !== null ||
      matches(normal(held.value.split(".")[0] ?? ""), words.server_names);
    if (!ofMail || (!portPart && !securityPart && !together && host.direction === null && protocol === null && !HOST_NAME.test(held.value))) return null;
    const id = `s${index}`;
    const name = page.place(held.value)?.host.toLowerCase().replace(/\.$/u, "") ?? null;
    /** @type {Meaning | null} */
    const byScheme = !together || !place["scheme"] ? null : SCHEMES[place["scheme"].toLowerCase()] ?? null;
    keep(id, [["host", host, together], ["port", portPart, false], ["security", securityPart, false]]);
    return {
      id,
      direction,
      protocol,
      host: { ...held, together, name },
      port: port ?? (together && number ? { label: "", value: String(number), locked: held.locked, port: number, offers: null } : null),
      security: security ?? (byScheme ? { label: "", value: "", locked: held.locked, means: byScheme, offers: null } : null),
    };
  }

  /**
   * @param {readonly number[]} offers
   * @param {FormWords} words
   */
  function directionOf(offers, { ports }) {
    const directions = ports.filter(({ number }) => offers.includes(number)).map(({ direction }) => direction);
    const out = directions.includes("outgoing");
    const into = directions.includes("incoming");
    return out === into ? null : out ? "outgoing" : "incoming";
  }

  /**
   * "SSL" and "STARTTLS" as two boxes to tick are one choice.
   *
   * @param {Found} fellow
   * @param {Found} part
   */
  function pair(fellow, part) {
    const [one, other] = [fellow.control, part.control];
    const boxes = (one.kind === "check" || one.kind === "checks") && other.kind === "check";
    if (!boxes || part.kind !== "security" || fellow.meanings.includes(part.meanings[0])) return;
    const members = [...(one.kind === "check" ? [one.element] : one.members), other.element];
    fellow.control = { ...one, kind: "checks", members, labels: [] };
    fellow.meanings = page.choices.settled([...fellow.meanings, ...part.meanings]);
  }

  /** @param {Control} control */
  const signature = ({ kind, element }) =>
    [kind, element.tagName, element.getAttribute("type"), element.getAttribute("name"), element.getAttribute("id")].join("|");

  /**
   * @param {string} id
   * @param {[Field, Found | null, boolean][]} parts
   */
  function keep(id, parts) {
    /** @type {Map<Field, KeptField>} */
    const fields = new Map();
    for (const [field, part, together] of parts) {
      if (!part) continue;
      const { control, meanings } = part;
      fields.set(field, { control, label: said(part).label, form: formOf(control.element), signature: signature(control), meanings, together });
    }
    page.kept.set(id, fields);
  }

  /**
   * What the page says of mail servers: of fields and what names them, never of its running text.
   *
   * @param {FormWords} words
   * @returns {import("../types/page.d.ts").Reading}
   */
  function read(words) {
    const { controls, foreign, cut } = page.controls.collect(words);
    const found = controls.flatMap((control) => classify(control, words) ?? []);
    unnamed(found, controls, words);
    const hosts = found.filter(({ kind }) => kind === "host");
    /** @type {Map<Found, Found[]>} */
    const parts = new Map(hosts.map((host) => [host, []]));
    for (const part of found) {
      if (part.kind === "host" || part.kind === "address") continue;
      const host = owner(part, hosts);
      const own = host && parts.get(host);
      const fellow = own?.find(({ kind }) => kind === part.kind);
      if (fellow) pair(fellow, part);
      else own?.push(part);
    }
    page.kept.clear();
    const servers = hosts.flatMap((host, index) => serverOf(host, parts.get(host) ?? [], words, index) ?? []).slice(0, MOST_SERVERS);
    const addresses = found.filter(({ kind }) => kind === "address").map(({ control }) => page.controls.read(control));
    const { origin, hostname } = location;
    return {
      token: page.token,
      origin,
      site: hostname.slice(0, 253),
      servers,
      address: addresses.find((address) => address.length <= 254 && ADDRESS.test(address)) ?? null,
      foreign,
      cut,
    };
  }

  page.read = read;
  page.place = (text) => {
    const groups = PLACE.exec(short(text, 300))?.groups;
    const host = groups?.["host"] ?? "";
    return groups && (HOST_NAME.test(host) || IP.test(host)) ? { scheme: groups["scheme"] ?? null, host, port: groups["port"] ?? null } : null;
  };
  page.signature = signature;
  page.formOf = formOf;
})();

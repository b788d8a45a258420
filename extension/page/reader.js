(() => {
  const page = globalThis.poternePage;
  const { normal, matches } = page.words;

  /** @typedef {import("../types/page.d.ts").Control} Control */
  /** @typedef {import("../types/page.d.ts").Field} Field */
  /** @typedef {import("../types/page.d.ts").FormWords} FormWords */
  /** @typedef {import("../types/page.d.ts").FoundControl} FoundControl */
  /** @typedef {import("../types/page.d.ts").KnownField} KnownField */
  /** @typedef {import("../types/page.d.ts").Meaning} Meaning */
  /** @typedef {import("../types/page.d.ts").PageServer} PageServer */

  const MOST_SERVERS = 6;
  /** As Roundcube and PHP write them: `tls://` is STARTTLS there. @type {Record<string, Meaning>} */
  const SCHEMES = {
    ssl: "tls",
    tls: "starttls",
    smtps: "tls",
    submissions: "tls",
    imaps: "tls",
    pop3s: "tls",
    pops: "tls",
  };

  page.fields ??= new Map();
  page.token ??= [...crypto.getRandomValues(new Uint8Array(16))]
    .map((byte) => byte.toString(16).padStart(2, "0"))
    .join("");

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
   * @param {FoundControl} part
   * @param {FoundControl[]} hosts
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
   * @param {FoundControl} part
   * @returns {import("../types/page.d.ts").Said}
   */
  function said({ control }) {
    const label = control.labels.find(({ weight: sure }) => sure > 2)?.text ?? "";
    return {
      label: label.replace(/[\s:：*]+$/u, ""),
      value: page.controls.read(control).slice(0, 253),
      locked: page.controls.locked(control),
    };
  }

  /**
   * @param {FoundControl} part
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
      means =
        index >= 0 ? meanings[index] : control.kind === "checks" ? "none" : page.choices.meaning(base.value, "", words);
    }
    if (means === "either" && port?.port) {
      means = words.ports.find(({ number }) => number === port.port)?.begins ?? means;
    }
    const offers =
      control.kind === "check"
        ? [...meanings.flatMap((one) => one ?? []), /** @type {const} */ ("none")]
        : meanings.flatMap((one) => one ?? []);
    return { ...base, means, offers: control.kind === "list" && meanings.length === 0 ? null : offers };
  }

  /**
   * @param {FoundControl} part
   * @returns {NonNullable<PageServer["port"]>}
   */
  function portOf(part) {
    const { control } = part;
    const base = said(part);
    const number = Number(/\d{1,5}/u.exec(base.value)?.[0] ?? Number.NaN);
    const offers =
      control.kind === "text"
        ? null
        : page.controls
            .options(control)
            .flatMap(({ text }) => (/\d{2,5}/u.test(text) ? [Number(/\d{2,5}/u.exec(text)?.[0])] : []));
    return {
      ...base,
      port: number >= 1 && number <= 65535 ? number : null,
      offers: control.kind === "list" && offers?.length === 0 ? null : offers,
    };
  }

  /**
   * @param {FoundControl} host
   * @param {FoundControl[]} parts
   * @param {FormWords} words
   * @param {number} index
   * @returns {PageServer | null}
   */
  function serverOf(host, parts, words, index) {
    const first = (/** @type {FoundControl["kind"]} */ kind) => parts.find((part) => part.kind === kind) ?? null;
    const [portPart, securityPart, protocolPart] = [first("port"), first("security"), first("protocol")];
    const port = portPart && portOf(portPart);
    const held = said(host);
    const place = page.addresses.parts(held.value);
    const withPort = place["port"] !== undefined || place["scheme"] !== undefined;
    const asksBoth = page.kinds.namesBoth(host.control);
    const together = !portPart && (withPort || asksBoth);
    const security = securityPart && securityOf(securityPart, port, words);
    const chosen = protocolPart ? page.words.protocol([normal(page.controls.read(protocolPart.control))], words) : null;
    const titles = host.control.headings.map(normal);
    let protocol =
      chosen ??
      page.words.protocol([...host.texts, ...(portPart?.texts ?? [])], words) ??
      page.words.protocol(titles, words);
    const number = port?.port ?? (place["port"] ? Number(place["port"]) : null);
    const usual = words.ports.find((row) => row.number === number) ?? null;
    const byPort = usual?.direction ?? null;
    const byName = page.words.direction([normal(held.value.split(".")[0] ?? "")], words);
    const byProtocol = chosen === null ? null : chosen === "smtp" ? "outgoing" : "incoming";
    const byOffers = port?.offers ? directionOf(port.offers, words) : null;
    const direction = byProtocol ?? host.direction ?? portPart?.direction ?? byPort ?? byOffers ?? byName ?? null;
    if (direction === "outgoing") protocol ??= "smtp";
    if (protocol && direction && (protocol === "smtp") !== (direction === "outgoing")) protocol = null;
    if (direction === "incoming" && !protocol) protocol = usual?.direction === "incoming" ? usual.dialogue : null;
    const ofMail =
      [...host.texts, ...titles, ...parts.flatMap(({ texts }) => texts)].some((text) => matches(text, words.mail)) ||
      (number !== null && page.words.isMailPort(number, words)) ||
      byOffers !== null ||
      matches(normal(held.value.split(".")[0] ?? ""), words.server_names);
    if (
      !ofMail ||
      (!portPart &&
        !securityPart &&
        !together &&
        host.direction === null &&
        protocol === null &&
        !page.addresses.isHostName(held.value))
    )
      return null;
    const id = `s${index}`;
    const name = page.addresses.place(held.value)?.host.toLowerCase().replace(/\.$/u, "") ?? null;
    /** @type {Meaning | null} */
    const byScheme = !together || !place["scheme"] ? null : (SCHEMES[place["scheme"].toLowerCase()] ?? null);
    keep(id, [
      ["host", host, together],
      ["port", portPart, false],
      ["security", securityPart, false],
    ]);
    return {
      id,
      direction,
      protocol,
      host: { ...held, together, name },
      port:
        port ??
        (together && number
          ? { label: "", value: String(number), locked: held.locked, port: number, offers: null }
          : null),
      security:
        security ?? (byScheme ? { label: "", value: "", locked: held.locked, means: byScheme, offers: null } : null),
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
   * @param {FoundControl} fellow
   * @param {FoundControl} part
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
    [
      kind,
      element.tagName,
      element.getAttribute("type"),
      element.getAttribute("name"),
      element.getAttribute("id"),
    ].join("|");

  /**
   * @param {string} id
   * @param {[Field, FoundControl | null, boolean][]} parts
   */
  function keep(id, parts) {
    /** @type {Map<Field, KnownField>} */
    const fields = new Map();
    for (const [field, part, together] of parts) {
      if (!part) continue;
      const { control, meanings } = part;
      fields.set(field, {
        control,
        label: said(part).label,
        form: formOf(control.element),
        signature: signature(control),
        meanings,
        together,
      });
    }
    page.fields.set(id, fields);
  }

  /**
   * What the page says of mail servers: of fields and what names them, never of its running text.
   *
   * @param {FormWords} words
   * @returns {import("../types/page.d.ts").Reading}
   */
  function read(words) {
    const { controls, foreign, cut } = page.controls.collect(words);
    const found = controls.flatMap((control) => page.kinds.of(control, words) ?? []);
    page.kinds.unnamed(found, controls, words);
    const hosts = found.filter(({ kind }) => kind === "host");
    /** @type {Map<FoundControl, FoundControl[]>} */
    const parts = new Map(hosts.map((host) => [host, []]));
    for (const part of found) {
      if (part.kind === "host" || part.kind === "address") continue;
      const host = owner(part, hosts);
      const own = host && parts.get(host);
      const fellow = own?.find(({ kind }) => kind === part.kind);
      if (fellow) pair(fellow, part);
      else own?.push(part);
    }
    page.fields.clear();
    const servers = hosts
      .flatMap((host, index) => serverOf(host, parts.get(host) ?? [], words, index) ?? [])
      .slice(0, MOST_SERVERS);
    const addresses = found.filter(({ kind }) => kind === "address").map(({ control }) => page.controls.read(control));
    const { origin, hostname } = location;
    return {
      token: page.token,
      origin,
      site: hostname.slice(0, 253),
      servers,
      address: addresses.find(page.addresses.isMailAddress) ?? null,
      foreign,
      cut,
    };
  }

  page.read = read;
  page.signature = signature;
  page.formOf = formOf;
})();

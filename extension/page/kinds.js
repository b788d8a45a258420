(() => {
  const page = globalThis.poternePage;
  const { normal, matches, direction, isMailPort, protocol } = page.words;
  const { isHostName } = page.addresses;

  /** @typedef {import("../types/page.d.ts").Control} Control */
  /** @typedef {import("../types/page.d.ts").FormWords} FormWords */
  /** @typedef {import("../types/page.d.ts").FoundControl} FoundControl */
  /** @typedef {import("../types/page.d.ts").Meaning} Meaning */

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
   * @param {Control} control
   * @param {FormWords} words
   * @returns {FoundControl | null}
   */
  function classify(control, words) {
    const texts = textsOf(control);
    const toward = direction(texts, words) ?? direction(control.headings.map(normal), words);
    /** @type {(kind: FoundControl["kind"], meanings?: (Meaning | null)[]) => FoundControl} */
    const found = (kind, meanings = []) => ({ control, kind, texts, meanings, direction: toward });
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
  const namesBoth = ({ labels }) =>
    labels.some(({ text }) => /\p{L}\s*[:/&+]\s*(?:port|puerto|porta|poort)\b/iu.test(text));

  /**
   * @param {Control} control
   * @param {FormWords} words
   * @param {(kind: FoundControl["kind"]) => FoundControl} found
   */
  function typed(control, words, found) {
    const input = /** @type {HTMLInputElement} */ (control.element);
    const small = holdsPort(input);
    const other = weight(control, words.other);
    const example = input.placeholder.trim();
    const port = weight(control, words.port) + (/^\d{2,5}$/u.test(example) ? 3 : 0);
    const named = weight(control, words.host);
    const host =
      Math.max(named, weight(control, words.address_of_server) - 1) +
      (isHostName(example) && !example.includes("@") ? 2 : 0);
    const address = input.type === "email" ? 3 : weight(control, words.address);
    const together = namesBoth(control);
    if (together && host > 0 && !small) return found("host");
    if (port > 0 && port >= other && (port >= host || small || matches(normal(control.hints), words.port)))
      return found("port");
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
   * @param {(kind: FoundControl["kind"], meanings?: (Meaning | null)[]) => FoundControl} found
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
      return weight(control, words.port) > 0 || all.some(({ text }) => isMailPort(Number.parseInt(text, 10), words))
        ? found("port", meanings)
        : null;
    }
    const protocols = texts.filter((text) => protocol([text], words) !== null).length;
    const known = meanings.filter((meaning) => meaning !== null).length;
    if (!authenticates && (encrypted > 0 || security > 0) && (known >= 2 || (known === 1 && security > 0))) {
      // A list of protocols names encrypted ones too.
      if (security > 0 || protocols < encrypted || meanings.includes("none")) return found("security", settled);
    }
    if (protocols > 0 && protocols * 2 >= all.length) return found("protocol");
    if (control.kind === "list") {
      const shown = page.choices.meaning(page.controls.read(control), "", words);
      if (security > 0 && !authenticates && all.length === 0) return found("security", []);
      if (all.length === 0 && shown !== null && /ssl|tls/iu.test(page.controls.read(control)))
        return found("security", []);
      if (all.length === 0 && weight(control, words.protocol) > 0) return found("protocol");
    }
    if (weight(control, words.host) > weight(control, words.other) && all.some(({ text }) => isHostName(text)))
      return found("host");
    return null;
  }

  /**
   * A small field without a name that directly follows a server's is its port.
   *
   * @param {FoundControl[]} found
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
      const numeric = holdsPort(input) || isMailPort(Number(page.controls.read(next)), words);
      if (numeric) found.push({ control: next, kind: "port", texts: textsOf(next), meanings: [], direction: null });
    }
  }

  page.kinds = { namesBoth, of: classify, unnamed };
})();

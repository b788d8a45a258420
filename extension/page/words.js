(() => {
  const page = (globalThis.poternePage ??= /** @type {import("../types/page.d.ts").PageScripts} */ ({}));

  /** @typedef {import("../types/page.d.ts").Direction} Direction */
  /** @typedef {import("../types/page.d.ts").FormWords} FormWords */

  /** @type {Map<readonly string[], RegExp>} */
  const compiled = new Map();

  /**
   * Words in lower case without accents, one space between them.
   *
   * @param {string} text
   */
  const normal = (text) =>
    text
      .normalize("NFKD")
      .replace(/\p{M}+/gu, "")
      .toLowerCase()
      .replaceAll("ß", "ss")
      .replaceAll("ł", "l")
      .replaceAll("ø", "o")
      .replaceAll("æ", "ae")
      .replaceAll("ı", "i")
      .replace(/[^\p{L}\p{N}]+/gu, " ")
      .trim();

  /**
   * @param {string} text  in its normal form
   * @param {readonly string[]} patterns
   */
  function matches(text, patterns) {
    let pattern = compiled.get(patterns);
    if (!pattern) {
      const sources = patterns.map((source) =>
        source
          .split("*")
          // What a list says with an accent is said without one here.
          .map((part) => part.normalize("NFKD").replace(/\p{M}+/gu, ""))
          .join("[^ ]*"),
      );
      pattern = new RegExp(`(?:^| )(?:${sources.join("|")})(?= |$)`, "u");
      compiled.set(patterns, pattern);
    }
    return pattern.test(text);
  }

  /**
   * One line of text, or nothing where it is too long to be a label.
   *
   * @param {string | null | undefined} text
   */
  function short(text, limit = 90) {
    // A long text is not looked through: only its beginning tells that it is long.
    const line = (text ?? "")
      .slice(0, limit * 6)
      .replace(/\s+/gu, " ")
      .trim();
    return line.length > limit ? "" : line;
  }

  /**
   * @param {readonly string[]} texts  in their normal form
   * @param {FormWords} words
   * @returns {Direction | null}
   */
  function direction(texts, words) {
    for (const text of texts) {
      const out = matches(text, words.outgoing);
      if (out !== matches(text, words.incoming)) return out ? "outgoing" : "incoming";
    }
    return null;
  }

  /**
   * @param {readonly string[]} texts  in their normal form
   * @param {FormWords} words
   */
  function protocol(texts, { protocols }) {
    for (const text of texts) {
      const named = /** @type {const} */ (["smtp", "imap", "pop3"]).filter((name) => matches(text, protocols[name]));
      if (named.length === 1) return named[0];
    }
    return null;
  }

  /**
   * @param {number} port
   * @param {FormWords} words
   */
  const isMailPort = (port, { ports }) => ports.some(({ number }) => number === port);

  page.words = { normal, matches, short, direction, protocol, isMailPort };
})();

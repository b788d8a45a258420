(() => {
  const page = (globalThis.poternePage ??= /** @type {import("../types/page.d.ts").PageScripts} */ ({}));

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

  page.words = { normal, matches, short };
})();

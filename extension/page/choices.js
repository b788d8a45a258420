(() => {
  const page = globalThis.poternePage;
  const { normal, matches } = page.words;

  /** @typedef {import("../types/page.d.ts").Meaning} Meaning */
  /** @typedef {import("../types/page.d.ts").FormWords} FormWords */

  const ENCRYPTED = /(?:^| )[^ ]*(?:ssl|tls)/u;

  /**
   * @param {string} text  in its normal form
   * @param {FormWords} words
   * @returns {Meaning | null}
   */
  function means(text, { choices }) {
    if (text === "") return null;
    const encrypted = ENCRYPTED.exec(text);
    // "SSL (no certificate check)" is encrypted, "no SSL" is not.
    if (matches(encrypted ? text.slice(0, encrypted.index) : text, choices.none)) return "none";
    for (const meaning of /** @type {const} */ (["auto", "starttls", "tls", "either"])) {
      if (matches(text, choices[meaning])) return meaning;
    }
    return null;
  }

  /**
   * What one choice means, by the text that people read, else by the value that the page sends.
   *
   * @param {string} text
   * @param {string} value
   * @param {FormWords} words
   */
  function meaning(text, value, words) {
    const read = means(normal(text), words);
    const sent = means(normal(value), words);
    // A text may say only that it is secure, and the value how.
    return read === null || (read === "either" && sent !== null && sent !== "none" && sent !== "auto") ? sent : read;
  }

  /**
   * What "TLS" means among its fellows: beside SSL it is STARTTLS, beside STARTTLS it is implicit.
   *
   * @param {readonly (Meaning | null)[]} meanings
   * @returns {(Meaning | null)[]}
   */
  function settled(meanings) {
    const has = (/** @type {Meaning} */ one) => meanings.includes(one);
    if (has("tls") === has("starttls")) return [...meanings];
    return meanings.map((one) => (one === "either" ? (has("tls") ? "starttls" : "tls") : one));
  }

  page.choices = { meaning, settled };
})();

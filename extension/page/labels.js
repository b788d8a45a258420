(() => {
  const page = globalThis.poternePage;
  const { short } = page.words;

  const CONTROL =
    "input:not([type=hidden]),select,textarea,[role=combobox],[role=listbox],[role=radio],[role=checkbox],[role=switch]";
  const EDGE = new Set(["FORM", "FIELDSET", "TABLE", "TBODY", "BODY", "TR", "UL", "OL", "DL", "MAIN", "SECTION"]);
  const CLIMBED = 5;
  /** What pages draw as headings without saying so. */
  const TITLED = ["head", "title", "legend"]
    .map((word) => `div[class*="${word}" i],span[class*="${word}" i]`)
    .join(",");

  /** @param {Element} element */
  const holdsControl = (element) => element.matches(CONTROL) || element.querySelector(CONTROL) !== null;

  /**
   * The text of an element without that of the controls in it.
   *
   * @param {Element} element
   */
  function textOf(element) {
    if (!holdsControl(element)) return short(element.textContent);
    let text = "";
    const walker = element.ownerDocument.createTreeWalker(
      element,
      NodeFilter.SHOW_ELEMENT | NodeFilter.SHOW_TEXT,
      (node) =>
        node instanceof Element || node.nodeType === 1
          ? /** @type {Element} */ (node).matches(`${CONTROL},option,[role=option],script,style`)
            ? NodeFilter.FILTER_REJECT
            : NodeFilter.FILTER_SKIP
          : NodeFilter.FILTER_ACCEPT,
    );
    while (walker.nextNode() && text.length < 200) text += ` ${walker.currentNode.nodeValue}`;
    return short(text);
  }

  /**
   * @param {HTMLElement} element
   * @param {string} name  of an attribute that holds ids
   */
  function named(element, name) {
    const root = /** @type {Document | ShadowRoot} */ (element.getRootNode());
    const ids = (element.getAttribute(name) ?? "")
      .split(/\s+/u)
      .filter((id) => id !== "" && id !== element.id)
      .slice(0, 6);
    return short(ids.map((id) => root.getElementById?.(id)?.textContent ?? "").join(" "));
  }

  /**
   * Text that stands just before or after an element, up to the next control.
   *
   * @param {Node} from
   * @param {"previousSibling" | "nextSibling"} way
   * @returns {{text: string, met: boolean}}  `met`: a control stands there
   */
  function along(from, way) {
    let text = "";
    for (let node = from[way], seen = 0; node && seen < 12; node = node[way], seen += 1) {
      if (node.nodeType === Node.TEXT_NODE)
        text = way === "previousSibling" ? `${node.nodeValue}${text}` : `${text}${node.nodeValue}`;
      if (node.nodeType !== Node.ELEMENT_NODE) continue;
      const element = /** @type {Element} */ (node);
      if (element.matches("script,style,template,noscript")) continue;
      if (holdsControl(element)) return { text: wordy(text), met: true };
      if (wordy(text) !== "" && /^(?:BR|HR)$/u.test(element.tagName)) break;
      const inside = element.textContent ?? "";
      text = way === "previousSibling" ? `${inside} ${text}` : `${text} ${inside}`;
      if (wordy(text) !== "") break;
      if (text.length > 400) return { text: "", met: false };
    }
    return { text: wordy(text), met: false };
  }

  /** @param {string} text */
  const wordy = (text) => (/\p{L}/u.test(text) ? short(text) : "");

  /**
   * The heading of a table's column, where the element stands in a row below it.
   *
   * @param {HTMLElement} element
   */
  function column(element) {
    const cell = /** @type {HTMLTableCellElement | null} */ (element.closest("td"));
    const first = cell?.closest("table")?.rows[0];
    if (!cell || !first || first.contains(cell) || holdsControl(first)) return "";
    return first.cells.length > 1 ? short(first.cells[cell.cellIndex]?.textContent) : "";
  }

  /**
   * Text before an element in its own line, cell or row.
   *
   * @param {HTMLElement} element
   */
  function before(element) {
    /** @type {Element} */
    let place = element;
    for (let level = 0; level < CLIMBED; level += 1) {
      const { text, met } = along(place, "previousSibling");
      if (text !== "" || met) return text;
      const parent = place.parentElement;
      if (!parent || EDGE.has(parent.tagName)) return "";
      place = parent;
    }
    return "";
  }

  /**
   * The other text of the box that holds this one control: a label that floats stands behind its field.
   *
   * @param {HTMLElement} element
   */
  function around(element) {
    let place = element.parentElement;
    for (let level = 0; level < 2 && place && !EDGE.has(place.tagName); level += 1, place = place.parentElement) {
      if (place.querySelectorAll(CONTROL).length > 1) return "";
      const text = wordy(textOf(place));
      if (text !== "") return text;
    }
    return "";
  }

  /**
   * What a radio button or a check box is called: mostly what stands behind it.
   *
   * @param {HTMLElement} element
   */
  function beside(element) {
    const [own] = explicit(element);
    if (own) return own.text;
    if (element.getAttribute("role")) {
      const inside = short(element.textContent);
      if (inside !== "") return inside;
    }
    /** @type {Element} */
    let place = element;
    for (let level = 0; level < 3; level += 1) {
      const { text, met } = along(place, "nextSibling");
      if (text !== "") return text;
      if (met || !place.parentElement || EDGE.has(place.parentElement.tagName)) break;
      place = place.parentElement;
    }
    return before(element);
  }

  /** @param {HTMLElement} element */
  function explicit(element) {
    const { labels } = /** @type {HTMLInputElement} */ (element);
    return [
      { text: named(element, "aria-labelledby"), weight: 4 },
      ...[...(labels ?? [])].slice(0, 3).map((label) => ({ text: textOf(label), weight: 4 })),
      { text: short(element.getAttribute("aria-label")), weight: 4 },
    ].filter(({ text }) => text !== "");
  }

  /**
   * What names a control, the surest first.
   *
   * @param {HTMLElement} element
   */
  function of(element) {
    const found = explicit(element);
    if (found.length === 0) found.push({ text: before(element), weight: 3 }, { text: column(element), weight: 3 });
    if (found.every(({ text }) => text === "")) found.push({ text: around(element), weight: 3 });
    found.push(
      { text: short(element.getAttribute("placeholder")), weight: 2 },
      { text: short(element.getAttribute("title")), weight: 2 },
    );
    return found.filter(({ text }) => text !== "");
  }

  const HINTS = [
    "name",
    "id",
    "autocomplete",
    "data-testid",
    "data-field",
    "data-name",
    "formcontrolname",
    "ng-model",
    "v-model",
  ];

  /**
   * The words of names that people do not see, such as `smtpServer_1`.
   *
   * @param {HTMLElement} element
   */
  const hints = (element) =>
    HINTS.map((name) => element.getAttribute(name)?.slice(0, 80) ?? "")
      .join(" ")
      .replace(/(\p{Ll}|\d)(\p{Lu})/gu, "$1 $2")
      .replace(/(\p{Lu})(\p{Lu}\p{Ll})/gu, "$1 $2")
      .replace(/_(\d+)\b/gu, " $1");

  /**
   * The text of an element that stands as a heading above fields; empty for any other.
   *
   * @param {Element} element
   */
  function heading(element) {
    if (element.matches("h1,h2,h3,h4,h5,h6,legend,caption,summary,[role=heading]")) return textOf(element);
    if (element.matches("td[colspan],th[colspan],tr > th:only-child,tr > td:only-child") && !holdsControl(element)) {
      return textOf(element);
    }
    if (element.matches(TITLED) && !element.closest("label") && !holdsControl(element))
      return short(element.textContent, 60);
    const group = element.matches(
      "fieldset,form,section,table,[role=group],[role=dialog],[role=region],[role=tabpanel],[role=form]",
    );
    if (!group) return "";
    const own =
      named(/** @type {HTMLElement} */ (element), "aria-labelledby") || short(element.getAttribute("aria-label"));
    return own;
  }

  page.labels = { of, beside, hints, heading };
})();

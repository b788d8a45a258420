(() => {
  const page = globalThis.poternePage;
  const { normal, matches, short } = page.words;

  /** @typedef {import("../types/page.d.ts").Control} Control */
  /** @typedef {import("../types/page.d.ts").FormWords} FormWords */

  const MOST_ELEMENTS = 40_000;
  const MOST_CONTROLS = 400;
  const MOST_OPTIONS = 60;
  const MOST_FRAMES = 20;
  const MOST_MS = 600;
  const TYPED = new Set(["text", "search", "url", "email", "tel", "number"]);
  const FRAMES = new Set(["IFRAME", "FRAME"]);
  const LIST = "[role=combobox],[role=listbox],[aria-haspopup=listbox]";

  /** @param {Element} element */
  function visible(element) {
    if (element.getClientRects().length === 0) return false;
    const style = element.ownerDocument.defaultView?.getComputedStyle(element);
    return style?.visibility !== "hidden";
  }

  /**
   * A field of which nothing is ever read. Whoever shows a password makes a text field of it: so its names count too.
   *
   * @param {HTMLElement} element
   * @param {{text: string}[]} labels
   * @param {string} hints
   * @param {FormWords} words
   */
  function sensitive(element, labels, hints, words) {
    const type = (element.getAttribute("type") ?? "").toLowerCase();
    const complete = element.getAttribute("autocomplete") ?? "";
    if (type === "password" || type === "hidden" || type === "file") return true;
    if (/password|one-time-code|(?:^|\s)cc-/iu.test(complete)) return true;
    if (/disc|circle|square/u.test(element.style.getPropertyValue("-webkit-text-security"))) return true;
    return [hints, ...labels.map(({ text }) => text)].some((text) => matches(normal(text), words.sensitive));
  }

  /** Names of an input before anything else of it is looked at. @param {HTMLElement} element */
  const typeOf = (element) => /** @type {HTMLInputElement} */ (element).type;

  /**
   * Every control that can be seen, in the order of the document, through open shadow roots and frames of this origin.
   *
   * @param {FormWords} words
   */
  function collect(words) {
    const until = performance.now() + MOST_MS;
    /** @type {Control[]} */
    const controls = [];
    /** @type {Map<string, Control>} */
    const groups = new Map();
    /** @type {Map<Node, number>} */
    const roots = new Map();
    let elements = 0;
    let frames = 0;
    let foreign = 0;
    let cut = false;

    /**
     * @param {HTMLElement} element
     * @param {Control["kind"]} kind
     * @param {string[]} headings
     * @param {HTMLElement[]} [members]
     */
    function add(element, kind, headings, members = []) {
      const labels = kind === "check" ? [{ text: page.labels.beside(element), weight: 4 }] : page.labels.of(element);
      const hints = page.labels.hints(element);
      if (sensitive(element, labels, hints, words)) return null;
      const control = { kind, element, members, labels, hints, headings: [...headings], order: controls.length };
      controls.push(control);
      return control;
    }

    /**
     * @param {HTMLInputElement} element
     * @param {string[]} headings
     */
    function input(element, headings) {
      const type = typeOf(element);
      const role = element.getAttribute("role");
      if (type === "radio") radio(element, headings);
      else if (type === "checkbox") add(element, "check", headings);
      else if (!TYPED.has(type)) return;
      else if (element.readOnly && (role === "combobox" || element.matches("[aria-haspopup=listbox]")))
        add(element, "list", headings);
      else add(element, "text", headings);
    }

    /**
     * @param {HTMLElement} element
     * @param {string[]} headings
     */
    function radio(element, headings) {
      const { name, form } = /** @type {HTMLInputElement} */ (element);
      const around = element.closest("[role=radiogroup]");
      const root = around ?? form ?? element.getRootNode();
      if (!roots.has(root)) roots.set(root, roots.size);
      const key = `${roots.get(root)} ${name ?? ""}`;
      const group = groups.get(key);
      if (group) {
        if (group.members.length < MOST_OPTIONS) group.members.push(element);
        return;
      }
      const first = add(element, "radio", headings, [element]);
      if (!first) return;
      // The buttons' own texts are the choices; what names the group stands before all of them.
      const groupNamed = around ? page.labels.of(/** @type {HTMLElement} */ (around)) : [];
      const legend = element.closest("fieldset")?.querySelector("legend")?.textContent;
      first.labels = [...groupNamed, { text: short(legend), weight: 3 }].filter(({ text }) => text !== "");
      groups.set(key, first);
    }

    /**
     * @param {Document | ShadowRoot} root
     * @param {string[]} above
     */
    function walk(root, above) {
      const document = root.nodeType === Node.DOCUMENT_NODE ? /** @type {Document} */ (root) : root.ownerDocument;
      const walker = /** @type {Document} */ (document).createTreeWalker(root, NodeFilter.SHOW_ELEMENT);
      /**
       * Headings of groups around hold until their end; the others until the next.
       *
       * @type {{text: string, within: Element | null}[]}
       */
      let current = above.map((text) => ({ text, within: null }));
      for (let node = walker.nextNode(); node; node = walker.nextNode()) {
        elements += 1;
        if (
          elements > MOST_ELEMENTS ||
          controls.length >= MOST_CONTROLS ||
          ((elements & 127) === 0 && performance.now() > until)
        ) {
          cut = true;
          return;
        }
        const element = /** @type {HTMLElement} */ (node);
        const heading = page.labels.heading(element);
        if (heading !== "") {
          const grouping = element.matches(
            "fieldset,form,section,table,[role=group],[role=dialog],[role=region],[role=tabpanel],[role=form]",
          );
          const within = grouping ? element : null;
          // A legend and a caption speak for their group alone.
          const around = element.matches("legend,caption,summary") ? element.parentElement : within;
          current = [{ text: heading, within: around }, ...current.filter((each) => each.within?.contains(element))];
          if (around === null) current = [current[0], ...current.slice(1)].slice(0, 4);
        }
        const headings = () => {
          current = current.filter(({ within }) => within === null || within.contains(element));
          return current.slice(0, 4).map(({ text }) => text);
        };
        if (element.shadowRoot) walk(element.shadowRoot, headings());
        if (FRAMES.has(element.tagName)) frame(/** @type {HTMLIFrameElement} */ (element), headings());
        else if (element.tagName === "INPUT")
          shown(element) && input(/** @type {HTMLInputElement} */ (element), headings());
        else if (element.tagName === "SELECT") {
          if (shown(element) && !(/** @type {HTMLSelectElement} */ (element).multiple))
            add(element, "select", headings());
        } else if (element.matches("[role=radio]")) shown(element) && radio(element, headings());
        else if (element.matches("[role=checkbox],[role=switch]")) {
          // A switch drawn around a check box of the browser's is that box.
          if (visible(element) && !element.querySelector("input")) add(element, "check", headings());
        } else if (element.matches(LIST) && visible(element) && !element.querySelector("input,select")) {
          const inside = element.parentElement?.closest(LIST);
          if (!inside) add(element, "list", headings());
        }
      }
    }

    /**
     * @param {HTMLIFrameElement} element
     * @param {string[]} headings
     */
    function frame(element, headings) {
      if (!visible(element)) return;
      frames += 1;
      if (frames > MOST_FRAMES) {
        cut = true;
        return;
      }
      /** @type {Document | null} */
      let inner = null;
      try {
        inner = element.contentDocument;
      } catch {
        // Another site's: the browser says so by an error or by nothing.
      }
      if (inner) walk(inner, headings);
      else if (element.clientWidth >= 120 && element.clientHeight >= 60) foreign += 1;
    }

    walk(document, []);
    return { controls, foreign, cut };
  }

  /**
   * Pages hide the browser's own radio buttons and lists behind something nicer.
   *
   * @param {Element} element
   */
  function shown(element) {
    if (visible(element)) return true;
    if (element.matches("select,input[type=radio],input[type=checkbox]")) {
      const label = /** @type {HTMLInputElement} */ (element).labels?.[0];
      return Boolean(
        (label && visible(label)) ||
        (element.tagName === "SELECT" && element.parentElement && visible(element.parentElement)),
      );
    }
    return false;
  }

  /** @param {Control} control */
  function locked({ element }) {
    const { disabled, readOnly } = /** @type {HTMLInputElement} */ (element);
    if (disabled || element.matches(":disabled") || element.getAttribute("aria-disabled") === "true") return true;
    // A list of the page's own is chosen from, though nothing can be typed into it.
    return Boolean(readOnly) && !element.matches(LIST);
  }

  /**
   * What can be chosen, as far as it is in the document.
   *
   * @param {Control} control
   */
  function options({ kind, element, members }) {
    if (kind === "select") {
      return [.../** @type {HTMLSelectElement} */ (element).options].slice(0, MOST_OPTIONS).map((option) => ({
        element: /** @type {HTMLElement} */ (option),
        text: short(option.label || option.textContent),
        value: option.value.slice(0, 60),
      }));
    }
    if (kind === "radio" || kind === "checks") {
      return members.map((member) => ({
        element: member,
        text: page.labels.beside(member),
        value: (member.getAttribute("value") ?? member.dataset["value"] ?? "").slice(0, 60),
      }));
    }
    return kind === "list" ? listed(element) : [];
  }

  /** @param {HTMLElement} element */
  function listed(element) {
    const root = /** @type {Document | ShadowRoot} */ (element.getRootNode());
    const named = ["aria-controls", "aria-owns"].map((name) => element.getAttribute(name) ?? "");
    const ids = named.join(" ").split(/\s+/u);
    const places = [element, ...ids.filter(Boolean).map((id) => root.getElementById?.(id))];
    return places
      .flatMap((place) => [...(place?.querySelectorAll("[role=option]") ?? [])])
      .slice(0, MOST_OPTIONS)
      .map(option);
  }

  /** One choice of a list that the page draws itself. @param {Element} element */
  const option = (element) => ({
    element: /** @type {HTMLElement} */ (element),
    text: short(element.getAttribute("aria-label") ?? element.textContent),
    value: String(/** @type {HTMLElement} */ (element).dataset["value"] ?? element.getAttribute("value") ?? "").slice(
      0,
      60,
    ),
  });

  /** @param {HTMLElement} element  a radio button or a check box, the browser's or the page's own */
  const on = (element) =>
    element.tagName === "INPUT"
      ? /** @type {HTMLInputElement} */ (element).checked
      : element.getAttribute("aria-checked") === "true";

  /**
   * Which of the options is chosen; -1: none, or it is not known.
   *
   * @param {Control} control
   */
  function chosen(control) {
    const { kind, element, members } = control;
    if (kind === "select") return /** @type {HTMLSelectElement} */ (element).selectedIndex;
    if (kind === "radio" || kind === "checks") return members.findIndex(on);
    if (kind !== "list") return -1;
    const all = options(control);
    const marked = all.findIndex(({ element: option }) => option.getAttribute("aria-selected") === "true");
    return marked >= 0 ? marked : all.findIndex(({ text }) => text !== "" && text === read(control));
  }

  /**
   * What a control holds. Only controls that `collect` gave come here: it leaves out every field for a secret before.
   *
   * @param {Control} control
   * @returns {string}
   */
  function read(control) {
    const { kind, element } = control;
    if (kind === "text") {
      return typeOf(element) === "password" ? "" : /** @type {HTMLInputElement} */ (element).value.slice(0, 300).trim();
    }
    if (kind === "check") return on(element) ? "on" : "";
    if (kind === "list") {
      const typed = element.tagName === "INPUT" ? /** @type {HTMLInputElement} */ (element).value : null;
      const selected = element.querySelector("[role=option][aria-selected=true]");
      return short(typed ?? element.getAttribute("aria-valuetext") ?? (selected ?? element).textContent);
    }
    return options(control)[chosen(control)]?.text ?? "";
  }

  page.controls = { collect, visible, locked, option, options, chosen, read };
})();

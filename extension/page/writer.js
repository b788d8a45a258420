(() => {
  const page = globalThis.poternePage;
  const { normal } = page.words;

  /** @typedef {import("../types/page.d.ts").Change} Change */
  /** @typedef {import("../types/page.d.ts").Control} Control */
  /** @typedef {import("../types/page.d.ts").Field} Field */
  /** @typedef {import("../types/page.d.ts").Filled} Filled */
  /** @typedef {import("../types/page.d.ts").FormWords} FormWords */
  /** @typedef {import("../types/page.d.ts").KnownField} KnownField */
  /** @typedef {import("../types/page.d.ts").Wanted} Wanted */

  /** What a control is to hold, or held: a text, or which of its choices (by number, or by its text in a list of the page's own). */
  /** @typedef {{text: string} | {index: number} | {on: boolean} | {option: (text: string, value: string) => boolean}} State */

  /** Frameworks take an event in at once and draw a moment later. */
  const SETTLING_MS = 80;
  const OPENING_MS = 1500;
  const OPTION = "[role=option],[role=menuitemradio]";
  /** Security first: many forms put the usual port beside it then. @type {Field[]} */
  const ORDER = ["security", "host", "port"];
  /** How schemes in a field are written for implicit TLS and for STARTTLS. @type {Record<string, [string, string]>} */
  const SCHEMES = {
    ssl: ["ssl", "tls"],
    tls: ["ssl", "tls"],
    smtp: ["smtps", "smtp"],
    smtps: ["smtps", "smtp"],
    submission: ["submissions", "submission"],
    submissions: ["submissions", "submission"],
    imap: ["imaps", "imap"],
    imaps: ["imaps", "imap"],
    pop3: ["pop3s", "pop3"],
    pop3s: ["pop3s", "pop3"],
  };

  const pause = (/** @type {number} */ milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

  /** @param {EventTarget} element @param {...string} types */
  function tell(element, ...types) {
    for (const type of types) element.dispatchEvent(new Event(type, { bubbles: true, composed: true }));
  }

  /** @param {HTMLElement} element */
  function press(element) {
    const init = { bubbles: true, cancelable: true, composed: true, button: 0 };
    const pointer = { ...init, isPrimary: true, pointerId: 1, pointerType: "mouse" };
    element.dispatchEvent(new PointerEvent("pointerdown", { ...pointer, buttons: 1 }));
    element.dispatchEvent(new MouseEvent("mousedown", { ...init, buttons: 1 }));
    element.dispatchEvent(new PointerEvent("pointerup", pointer));
    element.dispatchEvent(new MouseEvent("mouseup", init));
    element.click();
  }

  /**
   * The setter of the browser's own, past whatever a framework put on the element to see writes of the page.
   *
   * @param {HTMLElement} element
   * @param {string} text
   */
  function setText(element, text) {
    const input = /** @type {HTMLInputElement} */ (element);
    Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, "value")?.set?.call(input, text);
    input.dispatchEvent(
      new InputEvent("input", { bubbles: true, composed: true, inputType: "insertReplacementText", data: text }),
    );
    input.dispatchEvent(new KeyboardEvent("keyup", { bubbles: true, composed: true }));
    tell(input, "change");
    input.dispatchEvent(new FocusEvent("blur", { composed: true }));
    input.dispatchEvent(new FocusEvent("focusout", { bubbles: true, composed: true }));
  }

  /** @param {HTMLElement} element @param {boolean} on */
  function setChecked(element, on) {
    if (element.tagName !== "INPUT") {
      if ((element.getAttribute("aria-checked") === "true") !== on) press(element);
      return;
    }
    const input = /** @type {HTMLInputElement} */ (element);
    if (input.checked === on) return;
    if (on || input.type === "checkbox") input.click();
    if (input.checked === on) return;
    Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, "checked")?.set?.call(input, on);
    tell(input, "input", "change");
  }

  /**
   * The options of a list that the page draws itself, opened where they are not there.
   *
   * @param {Control} control
   */
  async function opened(control) {
    const there = () => page.controls.options(control).filter(({ element }) => page.controls.visible(element));
    if (there().length > 0) return there();
    const document = control.element.ownerDocument;
    const shown = () => [...document.querySelectorAll(OPTION)].filter(page.controls.visible);
    const before = new Set(shown());
    press(control.element);
    for (let waited = 0; waited < OPENING_MS; waited += 30) {
      if (there().length > 0) return there();
      const fresh = shown().filter((element) => !before.has(element));
      if (fresh.length > 0) return fresh.map(page.controls.option);
      if (waited === 300) {
        // Some open by the keyboard alone.
        control.element.dispatchEvent(
          new KeyboardEvent("keydown", { key: "ArrowDown", code: "ArrowDown", bubbles: true, composed: true }),
        );
      }
      await pause(30);
    }
    return [];
  }

  /**
   * @param {Control} control
   * @param {State} state
   * @returns {Promise<boolean>} false: there is no such choice
   */
  async function put(control, state) {
    const { kind, element, members } = control;
    if ("text" in state) setText(element, state.text);
    else if ("on" in state) setChecked(element, state.on);
    else if ("index" in state && kind === "select") {
      /** @type {HTMLSelectElement} */ (element).selectedIndex = state.index;
      tell(element, "input", "change");
    } else if ("index" in state && kind === "checks") {
      // What goes off first keeps pages from undoing what goes on.
      for (const [index, member] of members.entries()) if (index !== state.index) setChecked(member, false);
      if (members[state.index]) setChecked(members[state.index], true);
    } else if ("index" in state) {
      const member = members[state.index];
      if (member) setChecked(member, true);
      else for (const each of members) setChecked(each, false);
    } else if ("option" in state) {
      const all = await opened(control);
      const option = all.find(({ text, value }) => state.option(text, value));
      if (option) press(option.element);
      else
        element.dispatchEvent(
          new KeyboardEvent("keydown", { key: "Escape", code: "Escape", bubbles: true, composed: true }),
        );
      return option !== undefined;
    }
    return true;
  }

  /** What a control holds, so that it can be put back. @param {Control} control @returns {State} */
  function stateOf(control) {
    const { kind, element } = control;
    if (kind === "text") return { text: /** @type {HTMLInputElement} */ (element).value };
    if (kind === "check") return { on: page.controls.read(control) === "on" };
    if (kind !== "list") return { index: page.controls.chosen(control) };
    const held = page.controls.read(control);
    return { option: (text) => text === held };
  }

  /**
   * Which state stands for what is wanted; null: the form has none.
   *
   * @param {Field} field
   * @param {KnownField} kept
   * @param {Wanted} wanted
   * @param {FormWords} words
   * @returns {State | null}
   */
  function stateFor(field, { control, meanings, together }, wanted, words) {
    const all = page.controls.options(control);
    const one = (/** @type {number} */ index) =>
      index < 0
        ? null
        : control.kind === "list"
          ? { option: (/** @type {string} */ text) => text === all[index]?.text }
          : { index };
    if (field === "security") {
      if (control.kind === "check")
        return meanings[0] === wanted.security || meanings[0] === "either" ? { on: true } : null;
      if (control.kind === "list" && all.length === 0) return { option: securityOption(control, wanted, words) };
      const exact = meanings.indexOf(wanted.security);
      return one(exact >= 0 ? exact : meanings.indexOf("either"));
    }
    if (control.kind === "text")
      return { text: field === "port" ? String(wanted.port) : together ? placeOf(control, wanted) : wanted.host };
    const fits = (/** @type {string} */ text, /** @type {string} */ value) =>
      field === "port"
        ? Number.parseInt(text, 10) === wanted.port || Number(value) === wanted.port
        : [text, value].some((each) => each.toLowerCase() === wanted.host);
    if (control.kind === "list" && all.length === 0) return { option: fits };
    return one(all.findIndex(({ text, value }) => fits(text, value)));
  }

  /**
   * @param {Control} control
   * @param {Wanted} wanted
   * @param {FormWords} words
   */
  function securityOption(control, wanted, words) {
    return (/** @type {string} */ text, /** @type {string} */ value) => {
      const document = control.element.ownerDocument;
      const shown = [...document.querySelectorAll(OPTION)]
        .filter(page.controls.visible)
        .map((element) => page.choices.meaning(page.words.short(element.textContent), "", words));
      const settled = page.choices.settled(shown);
      const [before, after] = [shown.indexOf("either"), settled];
      const means = page.choices.meaning(text, value, words);
      const meant = means === "either" && before >= 0 ? after[before] : means;
      return meant === wanted.security || (meant === "either" && !settled.includes(wanted.security));
    };
  }

  /**
   * Host and port as they stand in one field, with a scheme where there was one.
   *
   * @param {Control} control
   * @param {Wanted} wanted
   */
  function placeOf(control, { host, port, security }) {
    const scheme = page.addresses.place(page.controls.read(control))?.scheme?.toLowerCase();
    const written = scheme ? SCHEMES[scheme]?.[security === "tls" ? 0 : 1] : null;
    const place = `${host.includes(":") ? `[${host}]` : host}:${port}`;
    return written ? `${written}://${place}` : place;
  }

  /**
   * What a control holds, in the page's words.
   *
   * @param {Control} control
   */
  const shown = (control) => page.controls.read(control);

  /** @param {KnownField} kept */
  const stands = ({ control, form, signature }) => {
    const { element } = control;
    return (
      element.isConnected &&
      element.ownerDocument.defaultView !== null &&
      page.signature(control) === signature &&
      page.formOf(element) === form
    );
  };

  /** @param {Control} control @param {State} state */
  function holds(control, state) {
    if ("text" in state) return normal(/** @type {HTMLInputElement} */ (control.element).value) === normal(state.text);
    if ("on" in state) return (page.controls.read(control) === "on") === state.on;
    if ("index" in state) return page.controls.chosen(control) === state.index;
    return state.option(page.controls.read(control), "");
  }

  /** @type {{control: Control, field: Field, before: State, after: string, kept: KnownField}[]} */
  let written = [];
  /** @type {Extract<Filled, {problem: null}> | null} */
  let last = null;

  /** @param {{token: string, origin: string, server: string, wanted: Wanted, words: FormWords}} request */
  async function fill({ token, origin, server, wanted, words }) {
    if (token !== page.token || origin !== location.origin) return { problem: /** @type {const} */ ("left") };
    const fields = page.fields.get(server);
    if (!fields || fields.size === 0 || ![...fields.values()].every(stands))
      return { problem: /** @type {const} */ ("changed") };
    /** @type {{field: Field, kept: KnownField, state: State}[]} */
    const plan = [];
    for (const field of ORDER) {
      const kept = fields.get(field);
      if (!kept) continue;
      const state = stateFor(field, kept, wanted, words);
      if (state === null) return { problem: /** @type {const} */ ("unfit") };
      if (!holds(kept.control, state) && page.controls.locked(kept.control))
        return { problem: /** @type {const} */ ("locked") };
      plan.push({ field, kept, state });
    }
    const before = plan.map(({ kept }) => ({ text: shown(kept.control), state: stateOf(kept.control) }));
    const done = plan.map(() => true);
    for (const [index, { kept, state }] of plan.entries()) {
      if (holds(kept.control, state)) continue;
      done[index] = await put(kept.control, state);
      await pause(SETTLING_MS);
    }
    for (const [index, { kept, state }] of plan.entries()) {
      // One choice may have changed another field behind it.
      if (done[index] && stands(kept) && !holds(kept.control, state)) await put(kept.control, state);
    }
    await pause(SETTLING_MS);
    written = plan.map(({ field, kept }, index) => ({
      control: kept.control,
      field,
      before: before[index].state,
      after: shown(kept.control),
      kept,
    }));
    const changes = plan.map(({ field, kept, state }, index) => ({
      field,
      label: kept.label,
      before: before[index].text,
      after: shown(kept.control),
      taken: done[index] && stands(kept) && holds(kept.control, state),
    }));
    last = { problem: null, server, wanted, changes, undone: false, kept: [] };
    return last;
  }

  /** @param {{token: string, origin: string}} request @returns {Promise<Filled>} */
  async function undo({ token, origin }) {
    if (token !== page.token || origin !== location.origin || !last) return { problem: "left" };
    if (!written.every(({ kept }) => stands(kept))) return { problem: "changed" };
    /** What somebody has changed since stays as they left it. @type {Field[]} */
    const edited = written.filter(({ control, after }) => shown(control) !== after).map(({ field }) => field);
    for (const { control, field, before } of written) {
      if (edited.includes(field) || holds(control, before)) continue;
      await put(control, before);
      await pause(SETTLING_MS);
    }
    for (const { control, field, before } of written) {
      if (!edited.includes(field) && !holds(control, before)) await put(control, before);
    }
    last = { ...last, undone: true, kept: edited };
    written = [];
    return last;
  }

  page.fill = fill;
  page.undo = undo;
})();

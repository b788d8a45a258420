/** What stands in extension/core/data/forms.json, and the ports of the host; patterns are words in their normal form, `*` for the rest of a word. */
export interface FormWords {
  host: string[];
  address_of_server: string[];
  port: string[];
  security: string[];
  address: string[];
  protocol: string[];
  authentication: string[];
  other: string[];
  sensitive: string[];
  outgoing: string[];
  incoming: string[];
  protocols: Record<MailProtocol, string[]>;
  mail: string[];
  choices: Record<Meaning, string[]>;
  sign_in: string[];
  server_names: string[];
  ports: PortFacts[];
  second_level: string[];
  shared_suffixes: string[];
}

/** A row of the host's table of ports. */
export interface PortFacts {
  number: number;
  dialogue: MailProtocol;
  direction: Direction;
  /** How a connection begins: with TLS, or in the clear. */
  begins: "tls" | "starttls";
  schemes?: string[];
}

export type MailProtocol = "smtp" | "imap" | "pop3";
export type Direction = "outgoing" | "incoming";
/** What one choice of a form means; `either`: encryption of a kind that only the port tells. */
export type Meaning = "tls" | "starttls" | "none" | "auto" | "either";
export type Field = "host" | "port" | "security";

/** One field as it may be shown: the page's own word for it, and what it holds. */
export interface Said {
  label: string;
  value: string;
  /** It cannot be written to: read-only or disabled. */
  locked: boolean;
}

/** What one form says of one mail server. */
export interface PageServer {
  id: string;
  direction: Direction | null;
  protocol: MailProtocol | null;
  /** `name`: a host name or address, where the field holds one; `together`: the port stands in the same field. */
  host: Said & { name: string | null; together: boolean };
  /** `port`: null where it is empty; `offers`: the only ones that can be chosen, or null for any. */
  port: (Said & { port: number | null; offers: number[] | null }) | null;
  /** `means`: what is chosen; `offers`: what can be chosen, or null where that is not known before it is opened. */
  security: (Said & { means: Meaning | null; offers: Meaning[] | null }) | null;
}

/** What a page says, as its own script in the isolated world read it. */
export interface Reading {
  /** Known to the document alone, and as long as it lives. */
  token: string;
  origin: string;
  /** The host of the page's address; empty where it has none. */
  site: string;
  servers: PageServer[];
  /** A mail address that stands in a field. */
  address: string | null;
  /** Frames of other sites, which cannot be read. */
  foreign: number;
  /** The page was larger than what is read. */
  cut: boolean;
}

/** One setting that is to stand in a form. */
export interface Wanted {
  host: string;
  port: number;
  security: "tls" | "starttls";
}

export interface Change {
  field: Field;
  label: string;
  before: string;
  after: string;
  /** False where the page did not take it, or took it back. */
  taken: boolean;
}

/**
 * Why nothing was written, or nothing was taken back: another document or origin, another form in its place, a field
 * that cannot be written to, a form that has no choice for this setting.
 */
export type FillProblem = "left" | "changed" | "locked" | "unfit";

export type Filled =
  | { problem: null; server: string; wanted: Wanted; changes: Change[]; undone: boolean; kept: Field[] }
  | { problem: FillProblem | "lapsed" };

/** One control of a page with what names it; nothing of its value. */
export interface Control {
  /** `checks`: check boxes of which one at most is ticked, each for a kind of encryption. */
  kind: "text" | "select" | "radio" | "check" | "checks" | "list";
  /** The element; of radio buttons the first. */
  element: HTMLElement;
  /** The radio buttons or options that can be chosen, where they are in the document. */
  members: HTMLElement[];
  labels: { text: string; weight: number }[];
  hints: string;
  /** Headings above it, the nearest first. */
  headings: string[];
  order: number;
}

/** A control with what it is for, by its names and its choices. */
export interface FoundControl {
  control: Control;
  kind: Field | "address" | "protocol";
  /** Its names in their normal form. */
  texts: string[];
  /** What its choices mean. */
  meanings: (Meaning | null)[];
  direction: Direction | null;
}

/** What the scripts of `extension/page/` share in the isolated world of a page. */
export interface PageScripts {
  words: {
    normal(text: string): string;
    matches(text: string, patterns: readonly string[]): boolean;
    short(text: string | null | undefined, limit?: number): string;
    /** What texts in their normal form say of a direction, a protocol. */
    direction(texts: readonly string[], words: FormWords): Direction | null;
    protocol(texts: readonly string[], words: FormWords): MailProtocol | null;
    isMailPort(port: number, words: FormWords): boolean;
  };
  addresses: {
    isHostName(text: string): boolean;
    isMailAddress(text: string): boolean;
    /** What stands in a field for a server, in its parts, whatever the host is. */
    parts(text: string): { scheme?: string; host?: string; port?: string };
    /** A host that stands in a field, perhaps with a scheme and a port; null for anything else. */
    place(text: string): { scheme: string | null; host: string; port: string | null } | null;
  };
  kinds: {
    /** What a control is for; null where it has nothing to do with a mail server. */
    of(control: Control, words: FormWords): FoundControl | null;
    /** Adds fields for a port that have no name to what was found. */
    unnamed(found: FoundControl[], controls: readonly Control[], words: FormWords): void;
    /** Whether a field is called a server and a port: "Server:Port". */
    namesBoth(control: Control): boolean;
  };
  choices: {
    meaning(text: string, value: string, words: FormWords): Meaning | null;
    settled(meanings: readonly (Meaning | null)[]): (Meaning | null)[];
  };
  labels: {
    of(element: HTMLElement): { text: string; weight: number }[];
    beside(element: HTMLElement): string;
    hints(element: HTMLElement): string;
    heading(element: Element): string;
  };
  controls: {
    collect(words: FormWords): { controls: Control[]; foreign: number; cut: boolean };
    visible(element: Element): boolean;
    locked(control: Control): boolean;
    option(element: Element): { element: HTMLElement; text: string; value: string };
    options(control: Control): { element: HTMLElement; text: string; value: string }[];
    chosen(control: Control): number;
    read(control: Control): string;
  };
  fields: Map<string, Map<Field, KnownField>>;
  token: string;
  signature(control: Control): string;
  formOf(element: Element): Element | null;
  read(words: FormWords): Reading;
  fill(request: { token: string; origin: string; server: string; wanted: Wanted; words: FormWords }): Promise<Filled>;
  undo(request: { token: string; origin: string }): Promise<Filled>;
}

/** A field that a reading found, and by what it is known again. */
export interface KnownField {
  control: Control;
  label: string;
  form: Element | null;
  signature: string;
  meanings: (Meaning | null)[];
  together: boolean;
}

declare global {
  // Content scripts are no modules: this is their one meeting point.
  var poternePage: PageScripts;
}

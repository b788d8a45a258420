/* Generated from host/poterne/report.py by `make types`. */

export type Message = HostMessage | ExtensionMessage;
export type HostMessage =
  | Hello
  | PlanEvent
  | ObservationEvent
  | FindingEvent
  | SettingsEvent
  | ReportEvent
  | ExportedMessage
  | Cancelled
  | ErrorMessage;
export type ExtensionMessage = CheckMessage | CancelMessage | ExportMessage | ExplainMessage;

/**
 * The host speaks first.
 */
export interface Hello {
  type: "hello";
  protocol: number;
  version: string;
}
/**
 * Everything that is going to be tried; a later plan replaces an earlier one and holds at least the same.
 */
export interface PlanEvent {
  id: string | null;
  reduced: string[];
  type: "plan";
  endpoints: Endpoint[];
}
/**
 * One thing to connect to: a host's address, a family, a port, and the service that is expected there (IANA name).
 *
 * `address` is the one that was judged and is dialled. `asked` is how the connection begins: `tls` means implicit TLS
 * (RFC 8314 section 3), `starttls` a clear greeting that is upgraded, `none` clear text only.
 */
export interface Endpoint {
  id: string;
  role: "target" | "control" | "canary" | "relay";
  host: string;
  address: string;
  family: 4 | 6;
  port: number;
  service: string;
  asked: "tls" | "starttls" | "none";
  /**
   * who named the host: typed, guess, mx, …
   */
  source: string;
}
/**
 * One endpoint's result; a provisional one is replaced by a later one whose observation has the same id.
 */
export interface ObservationEvent {
  id: string | null;
  reduced: string[];
  type: "observation";
  observation: Observation;
}
/**
 * What one endpoint did; `says` is that in one or two words.
 *
 * `security` is what was established (`None`: no connection). `spoke` is the protocol that was recognised, whatever
 * was expected. `capabilities` are the ones last heard, which is inside TLS where there is TLS; lines in the clear
 * stand in `capabilities_clear` and prove nothing. `auth` holds the mechanisms of `capabilities` (RFC 4954, 9051,
 * 5034).
 * All text came from a stranger: it is cut, and control characters are gone. The whole text of one observation is at
 * most 4 KiB.
 */
export interface Observation {
  id: string;
  role: "target" | "control" | "canary" | "relay";
  host: string;
  address: string;
  family: 4 | 6;
  port: number;
  service: string;
  asked: "tls" | "starttls" | "none";
  /**
   * who named the host: typed, guess, mx, …
   */
  source: string;
  state: "open" | "refused" | "no-answer" | "unreachable" | "prohibited" | "reset" | "error";
  reporter: string | null;
  attempts: number;
  greeting: string | null;
  greeting_kind: ("accepted" | "busy" | "refused" | "silent" | "closed" | "foreign") | null;
  spoke: string | null;
  capabilities: string[];
  capabilities_clear: string[];
  auth: string[];
  auth_clear: string[];
  security: ("tls" | "starttls" | "none") | null;
  starttls: ("accepted" | "refused" | "absent" | "injected" | "failed" | "silent") | null;
  tls: Tls | null;
  path: Hop[];
  stages: Stages;
  /**
   * the server greeted well, and then broke off or fell silent
   */
  cut: boolean;
  /**
   * the cause in the field's words: ECONNREFUSED, …
   */
  error: string | null;
  /**
   * seen in a check within the last minute, not in this one
   */
  cached: boolean;
  provisional: boolean;
  says: Statement;
}
/**
 * What a TLS handshake showed. Names of faults are finding codes.
 *
 * `trusted`: the chain leads to a root of the operating system's store; `public_trusted`: to one of the Mozilla set
 * (or the policy's `public_roots`); both say nothing of names and dates. `name_ok`: a subject alternative name covers
 * the host (RFC 9525). `None` where it could not be judged. `not_after` is the server's own certificate's;
 * `expired_authority` and `expired_at` are of the certificate above it that has expired (`chain-expired`). `weak`:
 * what is too weak, such as "RSA 1024" or "SHA-1" (`cert-weak`).
 */
export interface Tls {
  version: string | null;
  cipher: string | null;
  trusted: boolean | null;
  public_trusted: boolean | null;
  name_ok: boolean | null;
  /**
   * the fault that matters most, or null
   */
  fault: string | null;
  faults: string[];
  /**
   * the TLS library's own name of the failure
   */
  alert: string | null;
  subject: string | null;
  issuer: string | null;
  names: string[];
  not_before: string | null;
  not_after: string | null;
  expired_authority: string | null;
  expired_at: string | null;
  weak: string | null;
}
/**
 * One step of a TTL-limited trace: who answered a SYN that was allowed so many hops. Hop 0 is this machine itself:
 * the SYN was answered although it could not leave. `name`: what reverse DNS calls the address.
 */
export interface Hop {
  hop: number;
  address: string | null;
  name: string | null;
  answer: "time-exceeded" | "open" | "refused" | "prohibited" | "silent";
}
/**
 * How long each stage took, by itself, in milliseconds; `None`: it was not reached.
 */
export interface Stages {
  resolve_ms: number | null;
  connect_ms: number | null;
  greeting_ms: number | null;
  capabilities_ms: number | null;
  starttls_ms: number | null;
  tls_ms: number | null;
  capabilities_tls_ms: number | null;
}
/**
 * One sentence, or a part of one: the key of a message of `_locales`, and the values of its placeholders, whose
 * names are in upper case. `count` selects the plural form.
 *
 * A bare integer is a port, or another name made of digits. A bare text is a host name, an address, or another word
 * that is the same in every language. Of a list of more than NAMED texts, the formatters write the first ones.
 */
export interface Statement {
  key: string;
  values: {
    [k: string]:
      | Statement
      | TextValue
      | DateValue
      | NumberValue
      | number
      | string
      | (Statement | TextValue | DateValue | NumberValue | number | string)[];
  };
  count: number | null;
}
/**
 * A stranger's words. They are put into a sentence as they are, without controls, and never formatted again.
 */
export interface TextValue {
  text: string;
}
/**
 * A day or a moment (ISO 8601), written as the language writes a day.
 */
export interface DateValue {
  date: string;
}
/**
 * A quantity, with at most one decimal, as the language writes numbers.
 */
export interface NumberValue {
  number: number;
  unit: "second" | null;
}
/**
 * One conclusion.
 */
export interface FindingEvent {
  id: string | null;
  reduced: string[];
  type: "finding";
  finding: Finding;
}
/**
 * A named conclusion. `family` null: every family that was tested; `evidence`: ids of observations. `says` is its
 * sentence, `advice` what to do about it, `party` who can remove the cause (null: nothing has to be removed).
 */
export interface Finding {
  code: string;
  severity: "blocker" | "warning" | "note" | "good";
  confidence: "certain" | "likely" | "possible";
  host: string | null;
  port: number | null;
  family: (4 | 6) | null;
  params: {
    [k: string]: string | number | boolean | number[] | string[] | null;
  };
  evidence: string[];
  says: Statement | null;
  advice: Statement | null;
  party:
    | (
        | "you"
        | "clock"
        | "computer"
        | "router"
        | "network"
        | "provider"
        | "server"
        | "names"
        | "organisation"
        | "unclear"
      )
    | null;
}
/**
 * All settings so far; again whenever they grow.
 */
export interface SettingsEvent {
  id: string | null;
  reduced: string[];
  type: "settings";
  settings: Settings;
}
/**
 * The best first (RFC 8314 section 3).
 */
export interface Settings {
  outgoing: Setting[];
  incoming: Setting[];
}
/**
 * One way to type an account into a program; `verified` as docs/contract.md 2.3 has it: reached, answered,
 * encrypted, trusted. `remarks`: what to know before it is used. `unvouched`: the server is outside the domain, and
 * only DNS names it, which nothing vouches for (RFC 6186 section 6). `certificate`: only the certificate of another
 * server names it. `own-name`: the provider gives a user name of its own. `oauth2-only`: who names the server says
 * that it takes no password. `app-password`: the provider takes no usual password, but one made for programs.
 */
export interface Setting {
  protocol: "smtp" | "imap" | "pop3";
  host: string;
  port: number;
  security: "tls" | "starttls" | "none";
  auth: string[];
  username: "address" | "local-part" | "unknown";
  verified: boolean;
  source: string;
  remarks: ("unvouched" | "certificate" | "own-name" | "oauth2-only" | "app-password")[];
}
/**
 * The end of a check. `network`, set by the native door only: the network's name under the salt of the question, or
 * None where there was none or the network cannot be told apart. `network_before`: what earlier hosts would
 * have called it, so that what is known under that name can go over to `network`. Both stand beside the report, which
 * people pass on.
 */
export interface ReportEvent {
  id: string | null;
  reduced: string[];
  type: "report";
  report: Report;
  network: string | null;
  network_before: string | null;
}
/**
 * The whole answer. It can be diagnosed again without a network (`poterne explain`), which tells anew what the
 * report of an earlier version does not (`told`, `findings[].says`).
 */
export interface Report {
  schema: number;
  version: string;
  target: Target;
  options: OptionsOutput;
  verdict: Verdict;
  findings: Finding[];
  settings: Settings;
  names: NameAnswer[];
  offers: Offer[];
  lookups: Lookup[];
  observations: Observation[];
  /**
   * this machine has a usable source address
   */
  online: boolean;
  /**
   * the computer moved to another network, or slept, while the check ran
   */
  disturbed: ("moved" | "slept") | null;
  machine: Machine;
  /**
   * this computer's, where it was asked whether they answer
   */
  name_servers: NameServer[];
  portal: Portal | null;
  /**
   * whether the web proxy that the system names leads out; null: none, or not asked
   */
  proxy: ("works" | "fails") | null;
  trace: "unasked" | "done" | "impossible" | "off";
  way: Way | null;
  hints: Hint[];
  expected: ExpectedSettings | null;
  told: Told | null;
  started_at: string;
  elapsed_ms: number;
  lab: boolean;
}
/**
 * What the user typed, and what was understood.
 *
 * `domain` is the mail domain of an account or a domain; `host` the server of a server or an endpoint. `asked` is the
 * security that a URL's scheme asks for (`None`: whatever the port speaks).
 */
export interface Target {
  input: string;
  kind: "account" | "domain" | "server" | "endpoint";
  domain: string | null;
  host: string | null;
  port: number | null;
  asked: ("tls" | "starttls" | "none") | null;
}
/**
 * The flags of a check, under the same names on the command line and in messages.
 */
export interface OptionsOutput {
  /**
   * only these TCP ports
   */
  ports: number[] | null;
  family: (4 | 6) | null;
  /**
   * host name of the provider's own SMTP relay
   */
  relay: string | null;
  /**
   * look for the place on the path
   */
  trace: boolean;
  /**
   * seconds, for the whole check
   */
  budget: number;
  /**
   * who named the target; what a page says leads to public addresses only (messages)
   */
  origin: "typed" | "page";
}
/**
 * The finding that explains the most.
 */
export interface Verdict {
  code: string;
  severity: "blocker" | "warning" | "note" | "good";
  confidence: "certain" | "likely" | "possible";
}
/**
 * What the resolvers said of a name. `addresses` come from the system (getaddrinfo), `state` explains a failure:
 * `differs` where DNS knows addresses that the system does not find, `unasked` where no resolver is configured.
 * `source` is who named it, `random` for a name that must not exist, `second` for the policy's second resolver, `dns`
 * for what DNS itself says where the system found an address that does not serve, `hosts` for the system's hosts file.
 */
export interface NameAnswer {
  name: string;
  source: string;
  state: "ok" | "nxdomain" | "nodata" | "servfail" | "timeout" | "differs" | "unasked";
  addresses: string[];
  mail_exchangers: string[];
  elapsed_ms: number;
}
/**
 * What one source says of one server: an opinion, which the wire confirms or not.
 *
 * `source` is expected, srv, autoconfig, ispdb or pacc; `said_by` the domain whose record or document it is; `trusted`
 * false where RFC 6186 section 6 wants the user asked: the server is outside the domain and nothing vouches for the
 * record. `auth` in the words of Setting. `rank`: the order of one source, the best first. `own_name`: the user name
 * is neither the address nor its local part.
 */
export interface Offer {
  source: string;
  said_by: string;
  protocol: ("smtp" | "imap" | "pop3") | "sieve";
  host: string;
  port: number;
  security: "tls" | "starttls" | "none";
  username: "address" | "local-part" | "unknown";
  auth: string[];
  rank: number;
  trusted: boolean;
  own_name: boolean;
}
/**
 * How one source was asked: a DNS name, a URL without the user's name in it, or a server that it names, and what
 * came of it. `problem` is one clear line where its answer, or a part of it, is not used; `reason` the same as a word
 * of the catalogue (`refusal_…`), and `value` what it is about, a stranger's text made fit to be shown.
 */
export interface Lookup {
  source: string;
  place: string;
  state: "found" | "absent" | "not-offered" | "refused" | "failed" | "off";
  problem: string | null;
  reason: string | null;
  value: string | null;
  elapsed_ms: number;
}
/**
 * This computer's place in the network: its own addresses, the networks that it is directly on (CIDR), and the
 * routers that lead it to the internet, as far as the system tells. `reached_ports`: the ports for mail, of far
 * machines, to which connections were opened within the last minute, by whatever program.
 */
export interface Machine {
  addresses: string[];
  networks: string[];
  gateways: string[];
  reached_ports: number[];
}
/**
 * A name server that this computer asks, and whether it answered when it was asked alone.
 */
export interface NameServer {
  address: string;
  answers: boolean;
}
/**
 * What the page showed that a captive portal alters: `clear` is its good answer, `altered` any other answer of
 * HTTP, `failed` none. `date` is the server's clock (ISO 8601, UTC), `asked_at` ours at that moment.
 */
export interface Portal {
  url: string;
  state: "clear" | "altered" | "failed";
  status: number | null;
  location: string | null;
  date: string | null;
  asked_at: string | null;
  error: string | null;
}
/**
 * Where connections stop on the way from this computer to the server: somewhere from `stops_from` to `stops_to`
 * (the same where it is known). `stopped`, `passing` and `refused` are ports: those that stop there, those that get
 * through, and those on which the server itself says no. The addresses are those that a trace showed.
 */
export interface Way {
  stops_from: "you" | "box" | "provider" | "internet" | "server";
  stops_to: "you" | "box" | "provider" | "internet" | "server";
  stopped: number[];
  passing: number[];
  refused: number[];
  box: string | null;
  provider: string | null;
  traced: boolean;
}
/**
 * What is publicly known of a provider that the path's router names suggest. Shown, never evidence.
 *
 * `kind`: port 25 can be opened by the customer (`where`), on request, not at all, or mail has to go through `relay`.
 * `source` names who says so, `date` when (a year or ISO date; None: the source has none).
 */
export interface Hint {
  network: string;
  name: string;
  kind: "self-service" | "on-request" | "closed" | "relay";
  where: string | null;
  relay: string | null;
  source: string;
  date: string | null;
}
/**
 * What the policy of this machine states of the target's servers; `state` is `as-stated` where all of them work.
 */
export interface ExpectedSettings {
  organisation: string;
  state: "as-stated" | "differs" | "untested";
  servers: ExpectedServer[];
}
/**
 * A server as the organisation states it, and what was seen of it from here.
 *
 * `works`: as stated. `differs`: only in what `differs` names (port, security, auth, host); `found` is the nearest of
 * the report's settings that is verified. `fails`: nothing works there. `untested`: it was not tried.
 */
export interface ExpectedServer {
  protocol: "smtp" | "imap" | "pop3";
  host: string;
  port: number;
  security: "tls" | "starttls" | "none";
  username: "address" | "local-part" | "unknown";
  auth: string[];
  state: "works" | "differs" | "fails" | "untested";
  differs: ("host" | "port" | "security" | "auth")[];
  found: Setting | null;
}
/**
 * Everything that a report tells people. `word` is the verdict in a word or two; `remedy` the tested way round what
 * the verdict names; `party` who can remove the cause (null: nothing has to be removed); `way` where connections stop,
 * in sentences; `reasons` how it is known: sentences of one reason belong together. `help`: names of help pages.
 */
export interface Told {
  headline: Statement;
  word: Statement;
  remedy: Statement | null;
  advice: Statement[];
  party:
    | (
        | "you"
        | "clock"
        | "computer"
        | "router"
        | "network"
        | "provider"
        | "server"
        | "names"
        | "organisation"
        | "unclear"
      )
    | null;
  message: ToldMessage | null;
  way: Statement[];
  reasons: Statement[][];
  hints: Statement[];
  expected: ToldExpected | null;
  comparison: Comparison[];
  paths: FollowedPath[];
  help: "port25"[];
}
/**
 * What to write to those who can remove the cause; `for` is one of the parties.
 */
export interface ToldMessage {
  for:
    "you" | "clock" | "computer" | "router" | "network" | "provider" | "server" | "names" | "organisation" | "unclear";
  says: Statement[];
}
/**
 * Whether what the organisation states works from here; `servers`: those that are not as stated.
 */
export interface ToldExpected {
  title: Statement;
  answer: Statement;
  servers: Statement[];
}
/**
 * A row of the comparison: what was asked at one port of one server; `evidence`: ids of observations.
 */
export interface Comparison {
  role: "control" | "relay" | "gateway" | "canary";
  evidence: string[];
}
/**
 * The observation of a failing port whose path was followed, and of a working one at the same address (ids).
 */
export interface FollowedPath {
  failing: string;
  working: string | null;
}
/**
 * Host to extension: the file, which is text (UTF-8) in every format; `name` is fit to be saved under.
 */
export interface ExportedMessage {
  type: "exported";
  id: string;
  name: string;
  mime: string;
  data: string;
}
/**
 * The end of a check that was cancelled.
 */
export interface Cancelled {
  type: "cancelled";
  id: string;
}
/**
 * A request that cannot be served; `id` null where the message had none.
 */
export interface ErrorMessage {
  type: "error";
  id: string | null;
  code: "invalid-message" | "unsupported-protocol" | "invalid-target" | "forbidden" | "busy" | "internal";
  message: string;
}
/**
 * Extension to host: test this target. Unknown keys are passed over: a newer extension may send them.
 *
 * `salt` is the extension's own secret: with it the report comes with the name of the network that it was made in.
 */
export interface CheckMessage {
  type: "check";
  id: string;
  target: string;
  options?: OptionsInput;
  salt?: string | null;
  protocol?: number;
  version?: string | null;
}
/**
 * The flags of a check, under the same names on the command line and in messages.
 */
export interface OptionsInput {
  /**
   * only these TCP ports
   */
  ports?: number[] | null;
  family?: (4 | 6) | null;
  /**
   * host name of the provider's own SMTP relay
   */
  relay?: string | null;
  /**
   * look for the place on the path
   */
  trace?: boolean;
  /**
   * seconds, for the whole check
   */
  budget?: number;
  /**
   * who named the target; what a page says leads to public addresses only (messages)
   */
  origin?: "typed" | "page";
}
/**
 * Extension to host: stop that check.
 */
export interface CancelMessage {
  type: "cancel";
  id: string;
  protocol?: number;
}
/**
 * Extension to host: make a file of the settings of `report`, a Report as the host wrote it.
 *
 * `format` is one of `poterne.export.FORMATS`. The report's observations may be left out (an empty list): only target,
 * settings, the day and `lab` are read.
 */
export interface ExportMessage {
  type: "export";
  id: string;
  format: string;
  language?: "en" | "fr" | "de" | "es" | "it";
  report: Report;
  protocol?: number;
}
/**
 * Extension to host: diagnose and tell `report` anew, a Report as any version of the host wrote it. The answer is a
 * `report` message with the same id.
 */
export interface ExplainMessage {
  type: "explain";
  id: string;
  report: Report;
  protocol?: number;
}

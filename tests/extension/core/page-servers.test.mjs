import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import vm from "node:vm";

import { PageAccess } from "../../../extension/background/page-access.js";
import { formHolds, runIsOfPage, settingsForServer, targetOfServer } from "../../../extension/core/page-servers.js";
import { pageStateKey } from "../../../extension/core/page-state.js";
import { beginRun, IDLE_RUN, receiveMessage } from "../../../extension/core/run.js";
import { siteDomain } from "../../../extension/core/site-domain.js";
import { targetInText, targetOfLink } from "../../../extension/core/target-in-text.js";
import { isPrivateWindow } from "../../../extension/ui/state/private-window.js";
import { report } from "../support/records.mjs";

const EXTENSION = new URL("../../../extension/", import.meta.url);
const words = JSON.parse(readFileSync(new URL("core/data/forms.json", EXTENSION), "utf8"));

/** The scripts that need no document, as a page's isolated world has them. */
const world = vm.createContext({});
for (const name of ["words", "choices"]) vm.runInContext(readFileSync(new URL(`page/${name}.js`, EXTENSION), "utf8"), world);
const { choices, words: text } = world.poternePage;

const said = (value) => ({ label: "", value, locked: false });
const server = ({ host = "smtp.example.org", port = 25, means = "none", offers = null, ports = null, ...more } = {}) => ({
  id: "s0",
  direction: "outgoing",
  protocol: "smtp",
  host: { ...said(host), name: host || null, together: false },
  port: { ...said(String(port)), port, offers: ports },
  security: { ...said(""), means, offers },
  ...more,
});
const setting = (port, security, more = {}) => ({
  ...{ protocol: "smtp", host: "smtp.example.org", port, security, auth: [], username: "unknown", verified: true, source: "typed" },
  ...more,
});

function done(outgoing, { target = { input: "x", kind: "endpoint", host: "smtp.example.org" }, pressed = "s0", incoming = [] } = {}) {
  const run = beginRun("1", "x", { origin: "page", page: { tab: 1, token: "t", server: pressed } });
  const full = { ...report(), target, settings: { outgoing, incoming } };
  return receiveMessage(run, { type: "report", id: "1", report: full });
}

test("what a choice means is told by its words, in many languages", () => {
  const meanings = {
    none: ["None", "No encryption", "Aucune", "Sans chiffrement", "Keine", "Unverschlüsselt", "Ninguna", "Nessuna", "Geen", "Brak", "Нет", "なし", "无", "Not secure", "Non-SSL", "No SSL/TLS", "Unsecured connection", "Plain", "Connexion non sécurisée"],
    starttls: ["STARTTLS", "STARTTLS (recommended)", "TLS (STARTTLS)", "Explicit TLS", "STARTTLS, accept all certificates"],
    tls: ["SSL", "SSL/TLS", "TLS/SSL", "Implicit TLS", "SSL (no certificate check)", "SSL/TLS (port 465)", "Secured connection using SSL"],
    either: ["TLS", "Secured connection using TLS (recommended)", "Oui", "Encrypted"],
    auto: ["Auto", "Automatic", "Automatisch", "TLS, if available", "自动"],
  };
  for (const [meaning, all] of Object.entries(meanings)) {
    for (const one of all) assert.equal(choices.meaning(one, "", words), meaning, one);
  }
  assert.equal(choices.meaning("Recommended", "starttls", words), "starttls");
  assert.equal(choices.meaning("Jane", "7", words), null);
});

test("TLS means what its fellows leave over", () => {
  const settled = (all) => [...choices.settled(all)];
  assert.deepEqual(settled(["none", "tls", "either"]), ["none", "tls", "starttls"]);
  assert.deepEqual(settled(["none", "either", "starttls"]), ["none", "tls", "starttls"]);
  assert.deepEqual(settled(["none", "either"]), ["none", "either"]);
});

test("words are found whole, whatever their accents and capitals", () => {
  assert.equal(text.matches(text.normal("Hôte SMTP"), words.host), true);
  assert.equal(text.matches(text.normal("Postausgangsserver:"), words.host), true);
  assert.equal(text.matches(text.normal("Support"), words.port), false);
  assert.equal(text.matches(text.normal("Numéro de port"), words.port), true);
  for (const secret of ["Mot de passe", "userPassword", "SMTP_pass", "Kennwort", "Contraseña", "密码", "пароль", "API token"]) {
    assert.equal(text.matches(text.normal(secret.replace(/([a-z])([A-Z])/g, "$1 $2")), words.sensitive), true, secret);
  }
});

test("a server is tested exactly as the page says", () => {
  assert.equal(targetOfServer(server()), "smtp.example.org:25");
  assert.equal(targetOfServer(server({ port: 587, means: "starttls" })), "smtp.example.org:587");
  assert.equal(targetOfServer(server({ port: 465, means: "tls" })), "smtp.example.org:465");
  assert.equal(targetOfServer(server({ port: 587, means: "tls" })), "smtps://smtp.example.org:587");
  assert.equal(targetOfServer(server({ port: 993, means: "starttls", protocol: "imap", direction: "incoming" })), "imap://smtp.example.org:993");
  assert.equal(targetOfServer(server({ host: "2001:db8::7" })), "[2001:db8::7]:25");
  assert.equal(targetOfServer(server({ port: null })), "smtp.example.org");
  assert.equal(targetOfServer(server({ host: "" })), null);
});

test("only what is encrypted and was verified is ever written, and only what the form can hold", () => {
  const all = [setting(465, "tls"), setting(587, "starttls")];
  assert.deepEqual(settingsForServer(done(all), server()).wanted, { host: "smtp.example.org", port: 465, security: "tls" });
  assert.equal(settingsForServer(done(all), server({ offers: ["none", "starttls"] })).wanted?.port, 587);
  assert.equal(settingsForServer(done(all), server({ ports: [25, 587] })).wanted?.port, 587);
  assert.equal(settingsForServer(done(all), server({ ports: [25] })).wanted, null);
  assert.equal(settingsForServer(done([setting(25, "none"), setting(587, "starttls", { verified: false })]), server()).wanted, null);
  assert.equal(settingsForServer({ ...done(all), phase: "running" }, server()).wanted, null);
});

test("a press on one server says nothing of another", () => {
  const run = done([setting(465, "tls")]);
  assert.equal(settingsForServer(run, server({ id: "s1", host: "smtp.other.example" })).wanted, null);
  const account = { input: "jane@example.org", kind: "account", domain: "example.org", host: null };
  assert.equal(settingsForServer(done([setting(465, "tls")], { target: account }), server({ id: "s1", host: "" })).wanted?.port, 465);
  const page = (token) => ({ reading: { token }, site: null, filled: null });
  assert.equal(runIsOfPage(run, page("t")), true);
  assert.equal(runIsOfPage(run, page("other")), false);
});

test("a form that holds the settings already needs none", () => {
  const wanted = { host: "smtp.example.org", port: 465, security: "tls" };
  assert.equal(formHolds(server({ port: 465, means: "tls" }), wanted), true);
  assert.equal(formHolds(server({ port: 465, means: "none" }), wanted), false);
});

test("a site's own domain is the name below a public suffix", () => {
  assert.equal(siteDomain("mail.google.com", words), "google.com");
  assert.equal(siteDomain("www.example.co.uk", words), "example.co.uk");
  assert.equal(siteDomain("example.org.", words), "example.org");
  assert.equal(siteDomain("jane.github.io", words), "jane.github.io");
  for (const none of ["localhost", "127.0.0.1", "[::1]", "co.uk", "", "intranet"]) assert.equal(siteDomain(none, words), null, none);
});

test("what can be tested is found in a text and in a link", () => {
  assert.equal(targetInText("  Server: smtp.example.org:587, please "), "smtp.example.org:587");
  assert.equal(targetInText("write to Jane <jane@example.org>."), "jane@example.org");
  assert.equal(targetInText("imaps://imap.example.org"), "imaps://imap.example.org");
  assert.equal(targetInText("nothing here"), "nothing here");
  assert.equal(targetInText("x".repeat(5000)).length, 512);
  assert.equal(targetOfLink("mailto:jane%40example.org?subject=a"), "jane@example.org");
  assert.equal(targetOfLink("mailto:jane@example.org,john@example.org"), "jane@example.org");
  assert.equal(targetOfLink("https://www.example.org/a?b#c"), "www.example.org");
  assert.equal(targetOfLink("javascript:alert(1)"), null);
});

test("a page's word stays a page's word when it was refused", () => {
  const run = beginRun("1", "10.0.0.1:25", { origin: "page", page: { tab: 1, token: "t", server: "s0" } });
  const refused = receiveMessage(run, { type: "error", id: "1", code: "forbidden", message: "no" });
  assert.equal(refused.origin, "page");
  assert.deepEqual(refused.page, run.page);
});

/** A browser with these tabs; of any other it says that there is none. */
const withTabs = (tabs) => ({
  extension: { inIncognitoContext: false },
  windows: { getCurrent: async () => ({ incognito: false }) },
  scripting: { executeScript: async () => [{ result: { token: "t", origin: "https://a.example", site: "a.example", servers: [] } }] },
  tabs: {
    get: async (id) => {
      if (!tabs.has(id)) throw new Error(`No tab with id: ${id}.`);
      return tabs.get(id);
    },
  },
});

test("what is bound to a tab of a private window is private, in whichever window it is shown", async (t) => {
  globalThis.chrome = withTabs(new Map([[7, { incognito: true }], [8, { incognito: false }]]));
  t.after(() => delete globalThis.chrome);
  assert.deepEqual(await Promise.all([7, 8, 9, null].map(isPrivateWindow)), [true, false, false, false]);
});

test("of a tab that was closed while its page was read nothing stays", async (t) => {
  const tabs = new Map([[7, {}], [8, {}]]);
  globalThis.chrome = withTabs(tabs);
  t.mock.method(globalThis, "fetch", async () => ({ json: async () => words }));
  t.after(() => delete globalThis.chrome);
  const stored = {};
  const area = {
    get: async (key) => (key in stored ? { [key]: stored[key] } : {}),
    set: async (items) => void Object.assign(stored, items),
    remove: async (key) => void delete stored[key],
  };
  const pages = new PageAccess(area, async () => IDLE_RUN);
  await pages.read(8);
  const reading = pages.read(7);
  tabs.delete(7);
  await pages.forget(7);
  await reading;
  assert.deepEqual(Object.keys(stored), [pageStateKey(8)]);
});

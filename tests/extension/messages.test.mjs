import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";

import { LANGUAGES } from "../../extension/core/catalogue.js";
import { EXPORT_FORMATS } from "../../extension/core/export-formats.js";
import { STATIONS } from "../../extension/core/way-stretches.js";

const EXTENSION = new URL("../../extension/", import.meta.url);

const read = (path) => readFileSync(new URL(path, EXTENSION), "utf8");
const catalogues = Object.fromEntries(
  LANGUAGES.map((language) => [language, JSON.parse(read(`_locales/${language}/messages.json`))]),
);
const english = catalogues.en;
const textsIn = (folder, suffix) =>
  readdirSync(new URL(folder, EXTENSION), { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith(suffix))
    .map((path) => read(`${folder}${path}`))
    .join("\n");
const source = textsIn("./", ".js");
// What the host says in the words of this catalogue.
const host = textsIn("../host/poterne/", ".py");

const CAUSES = [
  "host-missing",
  "host-forbidden",
  "host-crashed",
  "host-blocked-by-policy",
  "host-outdated",
  "extension-outdated",
];

const key = (code) => code.replaceAll("-", "_");
const placeholdersIn = (message) =>
  [...message.matchAll(/\$([A-Za-z0-9_@]+)\$/g)].map(([, name]) => name.toLowerCase());

/** What differs from language to language by nature: which plural categories exist. */
const CATEGORY = /_(zero|one|two|few|many)$/;

test("every language has the keys of English, and no other", () => {
  const keys = (catalogue) =>
    Object.keys(catalogue)
      .filter((name) => !CATEGORY.test(name))
      .sort();
  for (const language of LANGUAGES) assert.deepEqual(keys(catalogues[language]), keys(english), language);
});

test("every language has the plural forms that its rules distinguish", () => {
  for (const language of LANGUAGES) {
    const needed = new Intl.PluralRules(language)
      .resolvedOptions()
      .pluralCategories.filter((category) => category !== "other" && category !== "many");
    const counted = Object.keys(english)
      .filter((name) => CATEGORY.test(name))
      .map((name) => name.replace(CATEGORY, ""));
    for (const name of new Set(counted)) {
      for (const category of needed) {
        assert.ok(`${name}_${category}` in catalogues[language], `${language}: ${name}_${category}`);
      }
    }
  }
});

test("no message is empty, and a message and its translations take the same placeholders", () => {
  for (const language of LANGUAGES) {
    for (const [name, { message }] of Object.entries(catalogues[language])) {
      assert.ok(message.trim(), `${language}: ${name}`);
      const model = english[name] ?? english[name.replace(CATEGORY, "")];
      const used = new Set(placeholdersIn(message));
      assert.deepEqual([...used].sort(), [...new Set(placeholdersIn(model.message))].sort(), `${language}: ${name}`);
    }
  }
});

test("every placeholder is declared, or browsers refuse the whole extension", () => {
  for (const language of LANGUAGES) {
    for (const [name, { message, placeholders = {} }] of Object.entries(catalogues[language])) {
      assert.match(name, /^[A-Za-z0-9_@]+$/);
      for (const used of placeholdersIn(message)) assert.ok(used in placeholders, `${language}: ${name}: ${used}`);
    }
  }
});

test("every problem of the host has its screen", () => {
  for (const cause of CAUSES) {
    assert.ok(`ui_problem_${key(cause)}` in english, cause);
    assert.ok(`ui_problem_${key(cause)}_text` in english, cause);
  }
});

test("every key that the code names is in the catalogue", () => {
  const literals = [...source.matchAll(/"((?:ui|app|state|why|way|tell|hint|use)_[a-z0-9_]+)"/g)].map(
    ([, name]) => name,
  );
  assert.ok(literals.length > 50);
  for (const name of literals) {
    const isKind = Object.keys(english).some((other) => other.startsWith(`${name}_`));
    assert.ok(name in english || isKind, name);
  }
});

test("every key of the interface is used", () => {
  const patterns = [...`${source}\n${host}`.matchAll(/["`](ui_(?:[a-z0-9_]|\$\{[^`]*?\})+)["`]/g)].map(
    ([, name]) => new RegExp(`^${name.replace(/\$\{.*?\}(?=_|$)/g, "[a-z0-9_]+")}(_one)?$`),
  );
  const kinds = [...source.matchAll(/word\("(ui_[a-z_]+)"/g)].map(([, name]) => new RegExp(`^${name}_`));
  for (const name of Object.keys(english).filter((other) => other.startsWith("ui_"))) {
    assert.ok(
      [...patterns, ...kinds].some((pattern) => pattern.test(name)),
      name,
    );
  }
});

for (const [kind, values] of Object.entries({
  state: ["open", "refused", "no-answer", "unreachable", "prohibited", "reset", "error"],
  security: ["tls", "starttls", "none"],
  confidence: ["certain", "likely", "possible"],
  severity: ["blocker", "warning", "note", "good"],
  protocol: ["smtp", "imap", "pop3"],
  username: ["address", "local-part", "unknown"],
  name_state: ["ok", "nxdomain", "nodata", "servfail", "timeout", "differs", "unasked"],
  ui_role: ["control", "canary", "relay", "gateway"],
  party: ["provider"],
  station: STATIONS,
  way_where: STATIONS,
  way_name: [...STATIONS, "router"],
  hop: ["open", "refused", "prohibited", "silent"],
  hint: ["self-service", "on-request", "closed", "relay"],
  why_portal: ["clear", "altered", "failed"],
  portal_state: ["clear", "altered", "failed"],
  why_trace: ["impossible", "off"],
  ui_export: EXPORT_FORMATS,
  ui_export_hint: EXPORT_FORMATS,
  ui_export_problem: ["host", "late", "outdated", "refused", "clipboard"],
  ui_refusal: ["empty", "invalid-target", "forbidden"],
})) {
  test(`every ${kind} of the model has a word`, () => {
    for (const value of values) assert.ok(`${kind}_${key(value)}` in english, value);
  });
}

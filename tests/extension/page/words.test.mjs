import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import vm from "node:vm";

const EXTENSION = new URL("../../../extension/", import.meta.url);
const words = JSON.parse(readFileSync(new URL("core/data/forms.json", EXTENSION), "utf8"));
/** The scripts that need no document, as a page's isolated world has them. */
const world = vm.createContext({});
for (const name of ["words", "choices"])
  vm.runInContext(readFileSync(new URL(`page/${name}.js`, EXTENSION), "utf8"), world);
const { choices, words: text } = world.poternePage;

test("what a choice means is told by its words, in many languages", () => {
  const meanings = {
    none: [
      "None",
      "No encryption",
      "Aucune",
      "Sans chiffrement",
      "Keine",
      "Unverschlüsselt",
      "Ninguna",
      "Nessuna",
      "Geen",
      "Brak",
      "Нет",
      "なし",
      "无",
      "Not secure",
      "Non-SSL",
      "No SSL/TLS",
      "Unsecured connection",
      "Plain",
      "Connexion non sécurisée",
    ],
    starttls: [
      "STARTTLS",
      "STARTTLS (recommended)",
      "TLS (STARTTLS)",
      "Explicit TLS",
      "STARTTLS, accept all certificates",
    ],
    tls: [
      "SSL",
      "SSL/TLS",
      "TLS/SSL",
      "Implicit TLS",
      "SSL (no certificate check)",
      "SSL/TLS (port 465)",
      "Secured connection using SSL",
    ],
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
  for (const secret of [
    "Mot de passe",
    "userPassword",
    "SMTP_pass",
    "Kennwort",
    "Contraseña",
    "密码",
    "пароль",
    "API token",
  ]) {
    assert.equal(text.matches(text.normal(secret.replace(/([a-z])([A-Z])/g, "$1 $2")), words.sensitive), true, secret);
  }
});

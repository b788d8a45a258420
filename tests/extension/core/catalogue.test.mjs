import assert from "node:assert/strict";
import { test } from "node:test";

import { Catalogue, languageFor, plain, spoken } from "../../../extension/core/catalogue.js";

const placeholders = { host: { content: "$1" }, ports: { content: "$2" } };
const messages = {
  closed: { message: "Ports $PORTS$ of $HOST$ are closed.", placeholders },
  closed_one: { message: "Port $Ports$ of $host$ is closed.", placeholders },
  price: { message: "It costs $$5." },
  state_no_answer: { message: "no answer" },
};
const english = new Catalogue("en", messages);
const french = new Catalogue("fr", messages);

test("the language is the chosen one, else the browser's, else English", () => {
  assert.equal(languageFor("fr", "en-US"), "fr");
  assert.equal(languageFor("auto", "fr-CA"), "fr");
  assert.equal(languageFor(undefined, "FR"), "fr");
  assert.equal(languageFor("de", "en-US"), "de");
  assert.equal(languageFor("nl", "nl-NL"), "en");
});

test("placeholders are replaced by name, whatever their case", () => {
  const values = { host: "mx.example", ports: "25" };
  assert.equal(english.text("closed", values), "Ports 25 of mx.example are closed.");
  assert.equal(english.text("closed", values, 1), "Port 25 of mx.example is closed.");
});

test("a value is put in as it is, even where it looks like a placeholder or a replacement pattern", () => {
  const text = english.text("closed", { host: "$PORTS$ $& $1", ports: "25" });
  assert.equal(text, "Ports 25 of $PORTS$ $& $1 are closed.");
});

test("the plural follows the rules of the language", () => {
  const values = { host: "h", ports: "p" };
  const form = (catalogue, count) => catalogue.text("closed", values, count).slice(0, 6).trim();
  assert.deepEqual(
    [0, 1, 2].map((count) => form(english, count)),
    ["Ports", "Port p", "Ports"],
  );
  assert.deepEqual(
    [0, 1, 2].map((count) => form(french, count)),
    ["Port p", "Port p", "Ports"],
  );
  assert.equal(english.text("price", {}, 1), "It costs $5.");
});

test("a key that is not there shows itself", () => assert.equal(english.text("nothing"), "nothing"));

test("words of the model are translated, others are shown as they came", () => {
  assert.equal(english.word("state", "no-answer"), "no answer");
  assert.equal(english.word("state", "some\u202ething"), "some thing");
});

test("lists, numbers and dates are written as the language writes them", () => {
  assert.equal(english.list(["25", "465", "587"]), "25, 465, and 587");
  assert.equal(french.list(["25", "465", "587"]), "25, 465 et 587");
  assert.equal(english.number(5.25), "5.3");
  assert.equal(french.number(5.25), "5,3");
  assert.equal(english.date("2026-10-01T12:00:00Z"), "October 1, 2026");
  assert.equal(french.date("2026-10-01T12:00:00Z"), "1 octobre 2026");
  assert.equal(french.date("soon"), "soon");
});

test("control and bidirectional characters of a stranger never reach a line", () => {
  assert.equal(plain("220\u0000 \u001b[31mmx\u202e.example\u2066\r\n"), "220   [31mmx .example");
  assert.equal(plain("büro.example – 例え"), "büro.example – 例え");
});

test("a line of the host becomes a sentence", () => {
  assert.equal(spoken("that contains a space: give one address"), "That contains a space: give one address.");
  assert.equal(spoken("Élan vital!"), "Élan vital!");
  assert.equal(spoken(""), "");
});

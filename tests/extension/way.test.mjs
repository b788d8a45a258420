import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { Catalogue } from "../../extension/shared/catalogue.js";
import { partyOf } from "../../extension/shared/parties.js";
import { STATIONS, stretches, wayInWords } from "../../extension/shared/way.js";
import { finding, way } from "./records.mjs";

const catalogue = (language) => {
  const path = new URL(`../../extension/_locales/${language}/messages.json`, import.meta.url);
  return new Catalogue(language, JSON.parse(readFileSync(path, "utf8")));
};
const english = catalogue("en");
const words = (changes) => wayInWords(way(changes), "port25-blocked", english);

test("between two neighbours one stretch is doubtful", () => {
  const drawn = stretches(way({ stops_from: "box", stops_to: "provider" }));
  assert.deepEqual(drawn, { stretches: ["passed", "perhaps", "beyond", "beyond"], at: null });
});

test("over several stations every stretch between them is", () => {
  const drawn = stretches(way({ stops_from: "you", stops_to: "server" }));
  assert.deepEqual(drawn, { stretches: Array(4).fill("perhaps"), at: null });
});

test("a known place is a station, and nothing is doubtful", () => {
  for (const [at, station] of STATIONS.entries()) {
    const drawn = stretches(way({ stops_from: station, stops_to: station }));
    assert.equal(drawn.at, at);
    assert.deepEqual(
      drawn.stretches,
      [0, 1, 2, 3].map((index) => (index < at ? "passed" : "beyond")),
    );
  }
});

test("the picture is said in words", () => {
  assert.equal(words({}), "Port 25 stops between your box and your provider. Ports 465 and 587 get through.");
  assert.equal(
    words({ stopped: [587, 465], passing: [], stops_to: "server" }),
    "Ports 465 and 587 stop somewhere between your box and the server.",
  );
  assert.equal(
    words({ stops_from: "provider", passing: [2525] }),
    "Port 25 stops in your provider’s network. Port 2525 gets through.",
  );
});

test("where somebody answers in place of the server, nothing is said to stop", () => {
  assert.match(wayInWords(way(), "smtp-intercepted", english), /^Port 25 is intercepted between/);
});

test("every place has its words in every language", () => {
  for (const language of ["en", "fr"]) {
    const said = STATIONS.flatMap((from, index) =>
      STATIONS.slice(index).map((to) =>
        wayInWords(way({ stops_from: from, stops_to: to }), "port-blocked", catalogue(language)),
      ),
    );
    assert.equal(new Set(said).size, 15);
    for (const text of said) assert.doesNotMatch(text, /\$|way_|undefined/);
  }
});

test("the provider can mend what is proved to be there", () => {
  assert.equal(partyOf(finding({ code: "port25-blocked", params: { where: "provider" } })), "provider");
  assert.equal(partyOf(finding({ code: "port25-blocked", params: {} })), "network");
  assert.equal(partyOf(finding({ code: "port-silent", params: { where: "provider" } })), "server");
  assert.equal(partyOf(finding({ code: "ok" })), undefined);
});

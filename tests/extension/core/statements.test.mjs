import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { Catalogue, LANGUAGES } from "../../../extension/core/catalogue.js";

const read = (path) => JSON.parse(readFileSync(new URL(path, import.meta.url), "utf8"));
const vectors = read("../../golden/statements.json");

test("there are statements to say", () => assert.ok(vectors.length > 100));

for (const language of LANGUAGES) {
  const catalogue = new Catalogue(language, read(`../../../extension/_locales/${language}/messages.json`));
  test(`statements are said as the command line says them (${language})`, () => {
    for (const { statement, said } of vectors) {
      assert.equal(catalogue.said(statement), said[language], JSON.stringify(statement));
    }
  });
}

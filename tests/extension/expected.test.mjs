import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { Catalogue } from "../../extension/shared/catalogue.js";
import { expectedInWords } from "../../extension/shared/expected.js";

const FOLDER = new URL("../../extension/_locales/", import.meta.url);
const catalogue = (language) =>
  new Catalogue(language, JSON.parse(readFileSync(new URL(`${language}/messages.json`, FOLDER), "utf8")));

const SERVER = {
  protocol: "smtp",
  host: "smtp.example.org",
  port: 587,
  security: "starttls",
  username: "unknown",
  auth: [],
};
const FOUND = { ...SERVER, port: 465, security: "tls", verified: true, source: "srv" };
const server = (changes) => ({ ...SERVER, state: "works", differs: [], found: null, ...changes });

for (const language of ["en", "fr"]) {
  test(`what works as stated needs no line (${language})`, () => {
    const t = catalogue(language);
    const said = expectedInWords({ organisation: "Example Ltd", state: "as-stated", servers: [server({})] }, t);
    assert.match(said.title, /Example Ltd/);
    assert.deepEqual(said.lines, []);
    assert.doesNotMatch(said.answer, /\$/);
  });

  test(`each difference is named (${language})`, () => {
    const t = catalogue(language);
    const servers = [
      server({ state: "differs", differs: ["port", "security"], found: FOUND }),
      server({ state: "fails" }),
      server({ state: "untested" }),
      server({ state: "differs", differs: ["auth"], auth: ["password"], found: { ...FOUND, auth: ["oauth2"] } }),
    ];
    const { lines } = expectedInWords({ organisation: "", state: "differs", servers }, t);
    assert.equal(lines.length, 4);
    for (const line of lines) {
      assert.match(line, /smtp\.example\.org/);
      assert.match(line, /587/);
      assert.doesNotMatch(line, /\$/);
    }
    assert.match(lines[0], /465/);
    assert.match(lines[3], /OAuth/);
    assert.equal(new Set(lines).size, 4);
  });
}

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { Catalogue, LANGUAGES } from "../../../extension/core/catalogue.js";
import { maskSecrets, PRIVATE_KINDS, redacted, secretsIn } from "../../../extension/core/redaction.js";
import { TICKET_FORMS, ticketText } from "../../../extension/core/ticket.js";
import { finding, observation, report, says, told, way } from "../support/records.mjs";

const catalogues = LANGUAGES.map((language) => {
  const path = new URL(`../../../extension/_locales/${language}/messages.json`, import.meta.url);
  return new Catalogue(language, JSON.parse(readFileSync(path, "utf8")));
});
const [english] = catalogues;

const PUBLIC = "203.0.113.99";
const SECRETS = [
  "jane.doe@",
  PUBLIC,
  "line-99.isp.example",
  "192.168.1.20",
  "192.168.1.1",
  "198.51.100.1",
  "edge1.isp.example",
];

const private_ = report({
  target: {
    input: "Jane.Doe@example.org",
    kind: "account",
    domain: "example.org",
    host: null,
    port: null,
    asked: null,
  },
  verdict: { code: "port25-blocked", severity: "warning", confidence: "certain" },
  findings: [finding({ code: "port25-blocked", severity: "warning", params: { ports: [25] } })],
  machine: { addresses: ["192.168.1.20"], networks: ["192.168.1.0/24"], gateways: ["192.168.1.1"] },
  observations: [
    observation({
      id: "o1",
      port: 25,
      state: "no-answer",
      security: null,
      path: [
        { hop: 1, address: "192.168.1.1", name: null, answer: "time-exceeded" },
        { hop: 2, address: "198.51.100.1", name: "edge1.isp.example", answer: "time-exceeded" },
      ],
    }),
    observation({
      id: "o2",
      capabilities: [`smtp.example.org Hello line-99.isp.example [${PUBLIC}], pleased to meet you`, "SIZE 1000"],
    }),
  ],
  way: way({ box: "192.168.1.1", provider: "198.51.100.1" }),
  told: told({
    headline: says("port25_blocked", { PORTS: [25], HOST: "Jane.Doe@example.org" }, 1),
    reasons: [[says("why_path", { PORT: 25, HOP: 2, ADDRESS: "198.51.100.1" })]],
    message: { for: "network", says: [says("tell_port25_blocked", { PORTS: [25], HOST: "192.168.1.20" }, 1)] },
  }),
});

test("what is private is found, each under its kind", () => {
  assert.deepEqual(secretsIn(private_), {
    account: ["Jane.Doe"],
    public: [PUBLIC, "line-99.isp.example"],
    own: ["192.168.1.20", "192.168.1.0/24"],
    routers: ["192.168.1.1", "198.51.100.1", "edge1.isp.example"],
  });
});

test("nothing private is in a text that may hold nothing of it, in any form or language", () => {
  for (const catalogue of catalogues) {
    for (const form of TICKET_FORMS) {
      const text = ticketText(private_, form, new Set(), catalogue).toLowerCase();
      for (const secret of SECRETS) assert.ok(!text.includes(secret), `${catalogue.language} ${form}: ${secret}`);
      assert.ok(text.includes("smtp.example.org"));
    }
  }
});

test("what may stay stays, and nothing else", () => {
  for (const kind of PRIVATE_KINDS) {
    const left = secretsIn(redacted(private_, new Set([kind])));
    for (const other of PRIVATE_KINDS)
      assert.equal(left[other].includes(secretsIn(private_)[other][0]), other === kind, `${kind}: ${other}`);
  }
});

test("an address is not cut out of a longer one", () => {
  assert.equal(maskSecrets("10.0.0.1 10.0.0.11 a10.0.0.1 [10.0.0.1]", ["10.0.0.1"]), "… 10.0.0.11 a10.0.0.1 […]");
});

test("each reader gets what they need", () => {
  const provider = ticketText(private_, "provider", new Set(["public", "routers"]), english);
  for (const needed of [PUBLIC, "edge1.isp.example", "25", "2026-11-24 05:00:00 UTC"])
    assert.ok(provider.includes(needed), needed);
  const server = ticketText(private_, "server", new Set(["public"]), english);
  for (const needed of [PUBLIC, "smtp.example.org", "192.0.2.7", "587"]) assert.ok(server.includes(needed), needed);
  assert.ok(!server.includes("edge1"));
});

test("a stranger's text is not read as Markdown, nor as lines of its own", () => {
  const loud = report({ observations: [observation({ host: "a|b`<img>", greeting: "220 x\n# owned" })] });
  const text = ticketText(loud, "markdown", new Set(), english);
  assert.ok(!text.includes("\n# owned"));
  assert.ok(text.includes("a\\|b\\`\\<img\\>"));
});

test("JSON can be read again as a report", () => {
  const again = JSON.parse(ticketText(private_, "json", new Set(), english));
  assert.equal(again.schema, 1);
  assert.equal(again.observations.length, 2);
  assert.equal(again.target.input, "…@example.org");
});

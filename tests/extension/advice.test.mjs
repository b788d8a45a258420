import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { hintInWords, NETWORK, remedy, tell } from "../../extension/shared/advice.js";
import { Catalogue } from "../../extension/shared/catalogue.js";
import { finding, observation, report, setting, way } from "./records.mjs";

const path = new URL("../../extension/_locales/en/messages.json", import.meta.url);
const english = new Catalogue("en", JSON.parse(readFileSync(path, "utf8")));

const about = (code, severity, changes = {}) => {
  const { settings = {}, params = {}, port = 25, ...rest } = changes;
  return report({
    verdict: { code, severity, confidence: "certain" },
    findings: [finding({ code, severity, port, params })],
    settings: { outgoing: [setting(), setting({ port: 587, security: "starttls" })], incoming: [], ...settings },
    ...rest,
  });
};

test("the way out is the best verified setting, where something is in the way", () => {
  assert.equal(remedy(about("port25-blocked", "warning")).port, 465);
  assert.equal(remedy(about("cert-expired", "blocker")).port, 465);
  assert.equal(remedy(about("port-silent", "warning")), null);
  assert.equal(remedy(about("ok", "good")), null);
});

test("the network's codes are the host's", () => {
  const weights = readFileSync(new URL("../../host/poterne/knowledge/findings.toml", import.meta.url), "utf8");
  const [, listed] = /^\[network\]\ncodes = \[([^\]]*)\]/m.exec(weights);
  assert.deepEqual([...NETWORK].sort(), listed.match(/[a-z0-9-]+/g).sort());
});

test("what is not tested, not encrypted, or opened on the way is no way out", () => {
  const outgoing = [setting({ verified: false }), setting({ port: 25, security: "none" })];
  assert.equal(remedy(about("port25-blocked", "warning", { settings: { outgoing } })), null);
  assert.equal(remedy(about("tls-intercepted", "warning")), null);
});

test("a port that stops is passed over while there is another", () => {
  assert.equal(remedy(about("port-blocked", "blocker", { way: way({ stopped: [465] }) })).port, 587);
});

test("receiving has its own settings", () => {
  const incoming = [setting({ protocol: "imap", port: 993 })];
  assert.equal(remedy(about("port-blocked", "blocker", { port: 143, settings: { incoming } })).port, 993);
  assert.equal(remedy(about("port-blocked", "blocker", { port: 143 })), null);
});

test("the message names ports, servers and the time, and is there for those who can be told", () => {
  const observations = [
    observation({ id: "c1", role: "control", host: "mx.alpha.example", port: 25, state: "no-answer" }),
    observation({ id: "c2", role: "control", host: "mx.beta.example", port: 587 }),
    observation({ id: "o1", port: 25, state: "no-answer" }),
  ];
  const text = tell(about("port25-blocked", "warning", { observations, way: way() }), english);
  assert.match(text, /port 25\b.*Ports 465 and 587 get through\./);
  assert.match(text, /on 2026-11-24 at 05:00 UTC with smtp\.example\.org and mx\.alpha\.example\.$/);
  assert.equal(tell(about("cert-expired", "blocker"), english), null);
});

test("a message names few servers", () => {
  const observations = Array.from({ length: 9 }, (_, place) =>
    observation({ id: `c${place}`, role: "control", host: `mx${place}.example`, port: 25, state: "no-answer" }),
  );
  assert.equal(tell(about("port25-blocked", "warning", { observations }), english).match(/mx\d/g).length, 4);
});

test("a hint says perhaps, whence and when", () => {
  const hint = {
    network: "n",
    name: "Net",
    kind: "self-service",
    where: "My page",
    relay: null,
    source: "S",
    date: "2020",
  };
  const said = hintInWords(hint, english);
  assert.match(said, /^Perhaps your provider is Net.*My page.*\(S, 2020; may be out of date\.\)$/);
  assert.match(hintInWords({ ...hint, date: "2020-01-11" }, english), /January 11, 2020/);
  assert.match(hintInWords({ ...hint, date: null }, english), /undated/);
  assert.match(hintInWords({ ...hint, kind: "relay", relay: "smtp.net.example" }, english), /smtp\.net\.example/);
});

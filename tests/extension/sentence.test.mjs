import assert from "node:assert/strict";
import { test } from "node:test";

import { Catalogue } from "../../extension/shared/catalogue.js";
import { portsOf, sentence } from "../../extension/shared/sentence.js";
import { finding } from "./records.mjs";

const catalogue = new Catalogue("en", {
  port_closed: { message: "Ports $PORTS$ of $HOST$ are closed." },
  port_closed_one: { message: "Port $PORTS$ of $HOST$ is closed." },
  port_closed_reported: { message: "A firewall of $HOST$ closes ports $PORTS$." },
  port_closed_reported_one: { message: "A firewall of $HOST$ closes port $PORTS$." },
  port_closed_advice: { message: "Ask those who run $HOST$." },
  wrong_security: { message: "Port $PORT$ wants $WORKS$, not $ASKED$." },
  cert_expired: { message: "Expired on $DATE$." },
  cert_untrusted: { message: "Issued by $ISSUER$." },
  cert_name_mismatch: { message: "For $NAMES$, over $FAMILY$." },
  slow_greeting: { message: "It took $SECONDS$ seconds." },
  port25_blocked: { message: "The network blocks it." },
  port25_blocked_provider: { message: "The provider blocks it." },
  port25_blocked_advice: { message: "Ask." },
  tls_intercepted: { message: "Opened, trusted." },
  tls_intercepted_untrusted: { message: "Opened, untrusted." },
  security_tls: { message: "SSL/TLS" },
  security_starttls: { message: "STARTTLS" },
  ui_unknown_finding: { message: "Found: $CODE$" },
  ui_unknown_value: { message: "unknown" },
});
const headline = (changes) => sentence(finding(changes), catalogue, "typed.example").headline;

test("the number of ports chooses the form", () => {
  assert.equal(headline({ params: { ports: [25] } }), "Port 25 of smtp.example.org is closed.");
  assert.equal(headline({ params: { ports: [2525, 25] } }), "Ports 25 and 2525 of smtp.example.org are closed.");
});

test("a finding of one port needs no list", () => {
  assert.equal(headline({ port: 2525 }), "Port 2525 of smtp.example.org is closed.");
  assert.deepEqual(portsOf(finding({ port: null })), []);
});

test("where no host is named, what was typed stands for it", () => {
  assert.equal(headline({ host: null, port: 25 }), "Port 25 of typed.example is closed.");
});

test("values of the model become words, dates are written out, numbers rounded", () => {
  const params = { asked: "tls", works: "starttls" };
  assert.equal(headline({ code: "wrong-security", port: 587, params }), "Port 587 wants STARTTLS, not SSL/TLS.");
  assert.equal(
    headline({ code: "cert-expired", params: { date: "2026-10-01T12:00:00Z" } }),
    "Expired on October 1, 2026.",
  );
  assert.equal(headline({ code: "slow-greeting", params: { seconds: 5.234 } }), "It took 5.2 seconds.");
});

test("names are listed, and no family means both", () => {
  const params = { names: ["a.example", "b.example"] };
  assert.equal(headline({ code: "cert-name-mismatch", params }), "For a.example and b.example, over IPv4 and IPv6.");
  assert.equal(
    headline({ code: "cert-name-mismatch", family: 6, params: { names: ["a.example"] } }),
    "For a.example, over IPv6.",
  );
});

test("the provider is named only where it is proved, and only in the sentence", () => {
  const of = (where) => sentence(finding({ code: "port25-blocked", params: { where } }), catalogue, "");
  assert.deepEqual(of("provider"), { headline: "The provider blocks it.", advice: "Ask." });
  for (const where of ["box", "advice", null, undefined]) assert.equal(of(where).headline, "The network blocks it.");
  assert.equal(headline({ port: 25, params: { where: "provider" } }), "Port 25 of smtp.example.org is closed.");
});

test("a refusal that a firewall reported is the firewall's", () => {
  const of = (reporter) => headline({ port: 25, params: { reporter } });
  assert.equal(of("192.0.2.7"), "A firewall of smtp.example.org closes port 25.");
  for (const nobody of [null, undefined]) assert.equal(of(nobody), "Port 25 of smtp.example.org is closed.");
});

test("an authority that this computer does not trust is not said to be trusted", () => {
  const of = (trusted) => headline({ code: "tls-intercepted", params: { trusted } });
  assert.deepEqual([true, undefined, false].map(of), ["Opened, trusted.", "Opened, trusted.", "Opened, untrusted."]);
});

test("what is not known is said to be unknown", () => {
  assert.equal(headline({ code: "cert-untrusted", params: { issuer: null } }), "Issued by unknown.");
});

test("text of a stranger stays one line of text", () => {
  assert.equal(
    headline({ code: "cert-untrusted", params: { issuer: "<b>CN=\u202eevil\n" } }),
    "Issued by <b>CN= evil.",
  );
});

test("advice is there where the catalogue has it", () => {
  assert.equal(sentence(finding(), catalogue, "").advice, "Ask those who run smtp.example.org.");
  assert.equal(sentence(finding({ code: "slow-greeting" }), catalogue, "").advice, null);
});

test("a code that this extension does not know is named", () => {
  assert.equal(headline({ code: "moon-in-the-way" }), "Found: moon-in-the-way");
});

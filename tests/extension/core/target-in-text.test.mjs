import assert from "node:assert/strict";
import { test } from "node:test";

import { targetInText, targetOfLink, withoutPath } from "../../../extension/core/target-in-text.js";

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

test("of a web address nothing but its host is kept", () => {
  for (const [text, kept] of [
    ["https://mail.example.org/webmail/?x=secret", "https://mail.example.org"],
    ["HTTP://jane:secret@mail.example.org:8443/a", "http://mail.example.org:8443"],
    ["https://mail.example.org?secret", "https://mail.example.org"],
    ["https://mail.example.org#secret", "https://mail.example.org"],
    ["https:\\\\mail.example.org\\secret", "https://mail.example.org"],
    ["https://mail.example.org/jane@example.com", "https://mail.example.org"],
    ["https://[2001:db8::7]/secret", "https://[2001:db8::7]"],
    ["mail.example.org/webmail?u=secret", "https://mail.example.org"],
    ["[2001:db8::7]:8443/secret", "https://[2001:db8::7]"],
  ]) {
    assert.equal(withoutPath(text), kept);
    assert.equal(withoutPath(kept), kept);
    assert.equal(targetInText(text), kept);
  }
});

test("nothing else is taken for a web address", () => {
  for (const text of [
    "",
    "jane@example.org",
    "jane@example.org/a",
    "mail.example.org:993",
    "mail.example.org:993/path",
    "imaps://mail.example.org/",
    "mailto:jane@example.org?subject=a",
    "192.0.2.0/24",
    "2001:db8::/32",
    "a/b",
  ])
    assert.equal(withoutPath(text), text);
});

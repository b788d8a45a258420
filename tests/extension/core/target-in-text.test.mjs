import assert from "node:assert/strict";
import { test } from "node:test";

import { targetInText, targetOfLink } from "../../../extension/core/target-in-text.js";

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

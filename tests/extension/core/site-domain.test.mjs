import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { siteDomain } from "../../../extension/core/site-domain.js";

const EXTENSION = new URL("../../../extension/", import.meta.url);
const words = JSON.parse(readFileSync(new URL("core/data/forms.json", EXTENSION), "utf8"));

test("a site's own domain is the name below a public suffix", () => {
  assert.equal(siteDomain("mail.google.com", words), "google.com");
  assert.equal(siteDomain("www.example.co.uk", words), "example.co.uk");
  assert.equal(siteDomain("example.org.", words), "example.org");
  assert.equal(siteDomain("jane.github.io", words), "jane.github.io");
  for (const none of ["localhost", "127.0.0.1", "[::1]", "co.uk", "", "intranet"])
    assert.equal(siteDomain(none, words), null, none);
});

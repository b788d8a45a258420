import assert from "node:assert/strict";
import { test } from "node:test";

import { isOwnDocument } from "../../../extension/platform/senders.js";

const HOME = "chrome-extension://abcdef/";
const self = { id: "abcdef", getURL: (path) => `${HOME}${path}` };
const own = (sender) => isOwnDocument(sender, self);

test("the extension's documents and its background are its own", () => {
  assert.ok(own({ id: "abcdef", url: `${HOME}popup/popup.html`, origin: HOME.slice(0, -1) }));
  assert.ok(own({ id: "abcdef", url: `${HOME}report/report.html?past=1`, tab: { id: 7 }, frameId: 0 }));
  assert.ok(own({ id: "abcdef", url: `${HOME}background/main.js` }));
});

test("a script in a page, another extension, and whoever says nothing are not", () => {
  for (const sender of [
    undefined,
    {},
    { id: "abcdef" },
    { url: `${HOME}popup/popup.html` },
    { id: "abcdef", url: "https://mail.site.example/", origin: "https://mail.site.example", tab: { id: 7 } },
    { id: "abcdef", url: "about:blank" },
    { id: "abcdef", url: "chrome-extension://abcdef" },
    { id: "abcdef", url: "chrome-extension://abcdef.site.example/popup/popup.html" },
    { id: "abcdef", url: `https://site.example/${HOME}` },
    { id: "abcdef", url: `${HOME}popup/popup.html`, origin: "https://mail.site.example" },
    { id: "abcdef", url: `${HOME}popup/popup.html`, origin: "null" },
    { id: "other", url: `${HOME}popup/popup.html` },
    { id: "other", url: "chrome-extension://other/popup.html" },
  ]) {
    assert.equal(own(sender), false, JSON.stringify(sender));
  }
});

import assert from "node:assert/strict";
import { test } from "node:test";

import { browserName, commandFor } from "../../extension/shared/browsers.js";

test("a browser is known by its brands; one without any is Firefox", () => {
  assert.equal(browserName(["Not A(Brand", "Chromium", "Google Chrome"]), "chrome");
  assert.equal(browserName(["Chromium", "Not A(Brand"]), "chromium");
  assert.equal(browserName([]), "firefox");
});

test("the command fits the browser and the system", () => {
  assert.equal(
    commandFor("host-missing", "firefox", "linux"),
    "pipx install poterne && poterne install --browser firefox",
  );
  assert.equal(commandFor("host-missing", "chrome", "win"), "pipx install poterne\npoterne install --browser chrome");
  assert.equal(commandFor("host-crashed", "chromium", "linux"), "poterne doctor --browser chromium");
  assert.equal(commandFor("extension-outdated", "chrome", "mac"), "chrome://extensions");
  assert.equal(commandFor("extension-outdated", "firefox", "mac"), "about:addons");
});

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { browserName, commandForProblem, stepBeforeCommand } from "../../../extension/core/install-commands.js";

test("a browser is known by its brands; one without any is Firefox", () => {
  assert.equal(browserName(["Not A(Brand", "Chromium", "Google Chrome"]), "chrome");
  assert.equal(browserName(["Chromium", "Not A(Brand"]), "chromium");
  assert.equal(browserName([]), "firefox");
});

test("the family's others are known too", () => {
  assert.equal(browserName(["Chromium", "Microsoft Edge"]), "edge");
  assert.equal(browserName(["Brave", "Chromium"]), "brave");
  assert.equal(browserName(["Chromium", "Opera"]), "opera");
  assert.equal(browserName([], "Thunderbird"), "thunderbird");
  assert.equal(browserName([], "LibreWolf"), "librewolf");
  assert.equal(browserName([], "Iceweasel"), "firefox");
  assert.equal(commandForProblem("extension-outdated", "thunderbird", "mac"), "about:addons");
});

test("every browser that is named is one that the program knows", () => {
  const table = readFileSync(new URL("../../../host/poterne/install/browsers.toml", import.meta.url), "utf8");
  const known = new Set([...table.matchAll(/^name = "(.*)"$/gm)].map(([, name]) => name));
  const products = ["Thunderbird", "LibreWolf", "Firefox"].map((name) => browserName([], name));
  const brands = ["Google Chrome", "Microsoft Edge", "Brave", "Vivaldi", "Opera", "Chromium"];
  for (const name of [...products, ...brands.map((brand) => browserName([brand]))]) assert.ok(known.has(name), name);
});

test("the command fits the browser and the system", () => {
  const released = {
    install: { linux: "fetch it", darwin: "fetch it for a Mac", win32: "fetch it for Windows" },
    upgrade: { linux: "fetch it anew", darwin: "", win32: "" },
  };
  const command = (cause, browser, os) => commandForProblem(cause, browser, os, released);
  assert.equal(command("host-missing", "firefox", "linux"), "fetch it && poterne install --browser firefox");
  assert.equal(command("host-missing", "chrome", "win"), "fetch it for Windows\npoterne install --browser chrome");
  assert.equal(command("host-missing", "chrome", "mac"), "fetch it for a Mac && poterne install --browser chrome");
  assert.equal(command("host-outdated", "chrome", "openbsd"), "fetch it anew && poterne install --browser chrome");
  assert.equal(stepBeforeCommand("host-missing", "linux", released), null);
  assert.equal(commandForProblem("host-crashed", "chromium", "linux"), "poterne doctor --browser chromium");
  assert.equal(commandForProblem("extension-outdated", "chrome", "mac"), "chrome://extensions");
  assert.equal(commandForProblem("extension-outdated", "firefox", "mac"), "about:addons");
});

test("until a release says how the program is had, no command names a package: a sentence stands in its place", () => {
  const none = { linux: "", darwin: "", win32: "" };
  const unreleased = { install: none, upgrade: none };
  assert.equal(commandForProblem("host-missing", "firefox", "linux", unreleased), "poterne install --browser firefox");
  assert.equal(commandForProblem("host-outdated", "chrome", "win", unreleased), "poterne install --browser chrome");
  assert.equal(stepBeforeCommand("host-missing", "linux", unreleased), "ui_install_first");
  assert.equal(stepBeforeCommand("host-outdated", "win", unreleased), "ui_upgrade_first");
  assert.equal(stepBeforeCommand("host-crashed", "linux", unreleased), null);
});

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";

const ROOT = new URL("../../", import.meta.url);
const EXTENSION = new URL("extension/", ROOT);

const manifest = JSON.parse(readFileSync(new URL("manifest.json", EXTENSION), "utf8"));
const ids = JSON.parse(readFileSync(new URL("manifests/ids.json", ROOT), "utf8"));
const files = readdirSync(EXTENSION, { recursive: true, encoding: "utf8" });
const read = (path) => readFileSync(new URL(path, EXTENSION), "utf8");

test("the ids follow from the manifest", () => {
  const digest = createHash("sha256").update(Buffer.from(manifest.key, "base64")).digest("hex");
  const letters = [...digest.slice(0, 32)].map((digit) => "abcdefghijklmnop"[Number.parseInt(digit, 16)]);
  assert.equal(ids.chromium, letters.join(""));
  assert.equal(ids.firefox, manifest.browser_specific_settings.gecko.id);
});

test("only what is used is asked for, and no site", () => {
  assert.deepEqual(manifest.permissions, ["nativeMessaging", "storage", "activeTab", "scripting", "contextMenus"]);
  for (const name of ["host_permissions", "optional_permissions", "content_scripts", "externally_connectable"]) {
    assert.equal(manifest[name], undefined, name);
  }
});

test("every file that the manifest and the pages name is there", () => {
  const named = [
    manifest.background.service_worker,
    ...manifest.background.scripts,
    manifest.action.default_popup,
    ...Object.values(manifest.icons),
    ...Object.values(manifest.action.default_icon),
  ];
  for (const path of named) assert.ok(existsSync(new URL(path, EXTENSION)), path);
  for (const page of files.filter((path) => path.endsWith(".html"))) {
    for (const [, target] of read(page).matchAll(/\s(?:src|href)="([^"#:]+)"/g)) {
      assert.ok(existsSync(new URL(target, new URL(page, EXTENSION))), `${page}: ${target}`);
    }
  }
});

/** Every module that a page's script leads to. */
function modulesOf(path, found = new Set()) {
  if (found.has(path)) return found;
  found.add(path);
  for (const [, target] of read(path).matchAll(/^(?:import|export)[^;]*?from "(\.[^"]+)";/gm)) {
    modulesOf(new URL(target, new URL(path, "file:///")).pathname.slice(1), found);
  }
  return found;
}

test("a page asks for all its modules at once, not one behind the other: the first frame waits for them", () => {
  for (const name of ["popup", "report"]) {
    const page = read(`${name}/${name}.html`);
    const asked = [...page.matchAll(/rel="modulepreload" href="\.\.\/([^"]+)"/g)].map(([, path]) => path);
    const needed = [...modulesOf(`${name}/${name}.js`)].filter((path) => path !== `${name}/${name}.js`);
    assert.deepEqual(asked.sort(), needed.sort(), page);
  }
});

test("pages hold no inline script, style or handler, and nothing is fetched from elsewhere", () => {
  for (const page of files.filter((path) => path.endsWith(".html"))) {
    assert.doesNotMatch(read(page), /<script(?![^>]*\ssrc=)|<style|\sstyle=|\son\w+=/i, page);
  }
  for (const path of files.filter((name) => /\.(?:js|css)$/.test(name))) {
    assert.doesNotMatch(read(path).replaceAll("http://www.w3.org/2000/svg", ""), /https?:\/\//, path);
  }
});

test("text of a stranger is never parsed as markup", () => {
  const markup =
    /innerHTML|outerHTML|insertAdjacentHTML|document\.write|DOMParser|setHTML|createContextualFragment|\beval\b/;
  for (const path of files.filter((name) => name.endsWith(".js"))) assert.doesNotMatch(read(path), markup, path);
});

import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";

// Imports of types in JSDoc count too: modules that know each other's types cannot be read one without the other.
// dependency-cruiser sees those only with a TypeScript before 7.

const EXTENSION = new URL("../../extension/", import.meta.url);

/** The documents with scripts: `NAME/NAME.html`, whose script bears the same name. */
const DOCUMENTS = readdirSync(EXTENSION).filter((name) => existsSync(new URL(`${name}/${name}.html`, EXTENSION)));

/** The rooms, and those that each may import from beside itself. The longest name that fits a path is its room. */
const ROOMS = {
  types: [],
  "core/data": [],
  core: ["core/data", "types"],
  platform: ["core", "types"],
  background: ["platform", "core", "types"],
  page: ["types"],
  "ui/state": ["platform", "core", "types"],
  "ui/components": ["ui/state", "core", "types"],
  "ui/screens": ["ui/components", "ui/state", "platform", "core", "types"],
  ...Object.fromEntries(DOCUMENTS.map((name) => [name, ["ui/screens"]])),
};

const IMPORT = /\b(?:from|import)\s*\(?\s*"(\.[^"]+)"/g;
const EXPORT = /^export (?:async )?(?:const|let|class|function\*?) (\w+)/gm;
const COMMENT = /\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm;

const read = (path) => readFileSync(new URL(path, EXTENSION), "utf8");
const modules = readdirSync(EXTENSION, { recursive: true, encoding: "utf8" }).filter((path) =>
  /\.(?:js|d\.ts)$/.test(path),
);
const roomOf = (path) =>
  Object.keys(ROOMS)
    .filter((room) => path.startsWith(`${room}/`))
    .sort((one, other) => other.length - one.length)[0];

/** What each module imports, types too, by paths in the extension. */
const imports = new Map(
  modules.map((path) => [
    path,
    [...read(path).matchAll(IMPORT)].map(([, target]) => new URL(target, new URL(path, "file:///")).pathname.slice(1)),
  ]),
);

/** The first circle of imports in a graph, as the modules on it; null where there is none. */
function circleIn(graph) {
  const cleared = new Set();
  const walk = (path, way) => {
    if (way.includes(path)) return [...way.slice(way.indexOf(path)), path];
    if (cleared.has(path)) return null;
    for (const next of graph.get(path) ?? []) {
      const circle = walk(next, [...way, path]);
      if (circle) return circle;
    }
    cleared.add(path);
    return null;
  };
  for (const path of graph.keys()) {
    const circle = walk(path, []);
    if (circle) return circle;
  }
  return null;
}

test("every module is in a room", () => {
  assert.ok(modules.length > 80);
  assert.ok(DOCUMENTS.length >= 4);
  for (const path of modules) assert.ok(roomOf(path), path);
});

test("a room imports from the rooms below it only", () => {
  const upwards = [...imports].flatMap(([path, targets]) => {
    const room = roomOf(path);
    return targets
      .filter((target) => ![room, ...ROOMS[room]].includes(roomOf(target)))
      .map((target) => `${path} imports ${target}`);
  });
  assert.deepEqual(upwards, []);
});

test("no imports go round in a circle", () => {
  assert.deepEqual(
    circleIn(
      new Map([
        ["a", ["b"]],
        ["b", ["c"]],
        ["c", ["b"]],
      ]),
    ),
    ["b", "c", "b"],
  );
  assert.equal(circleIn(imports), null);
});

test("no two modules, and no two exports, have one name", () => {
  const named = (names) => names.filter((name, index) => names.indexOf(name) !== index);
  // A document's own script bears the document's name.
  const libraries = modules.filter(
    (path) => ![...DOCUMENTS, "core/data"].includes(roomOf(path)),
  );
  assert.deepEqual(named(libraries.map((path) => path.split("/").at(-1))), []);
  assert.deepEqual(named(modules.flatMap((path) => [...read(path).matchAll(EXPORT)].map(([, name]) => name))), []);
});

test("the core knows neither a document nor a browser", () => {
  const outside = /(?<![\w.])(?:chrome|document|window|navigator|location|localStorage|indexedDB|fetch)\b(?=[.(?])/;
  assert.match("await chrome.storage.local.get()", outside);
  for (const path of modules.filter((one) => roomOf(one) === "core")) {
    assert.doesNotMatch(read(path).replace(COMMENT, ""), outside, path);
  }
});

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { usableSettings } from "../../../extension/core/managed-settings.js";
import { readManaged, watchManaged } from "../../../extension/platform/managed-storage.js";

const SERVER = { protocol: "smtp", host: "smtp.example.org", port: 587, security: "starttls" };

/** `storage.managed` of a browser: `values` null is Firefox without an administrator. */
class FakeArea {
  listeners = new Set();
  onChanged = {
    addListener: (listener) => this.listeners.add(listener),
    removeListener: (listener) => this.listeners.delete(listener),
  };

  constructor(values) {
    this.values = values;
  }

  async get() {
    if (this.values === null) throw new Error("Managed storage manifest not found");
    return structuredClone(this.values);
  }

  set(values) {
    this.values = values;
    for (const listener of this.listeners) listener({}, "managed");
  }
}

const settled = () => new Promise((resolve) => setImmediate(resolve));

test("nothing is managed where Firefox rejects and where Chromium gives an empty object", async () => {
  assert.deepEqual(await readManaged(new FakeArea(null)), {});
  assert.deepEqual(await readManaged(new FakeArea({})), {});
});

test("what cannot be read is not nothing: no run is kept until it can be", async () => {
  const area = new FakeArea({});
  area.get = async () => {
    throw new Error("An unexpected error occurred");
  };
  assert.deepEqual(await readManaged(area), { history: false, unreadable: true });
});

test("what an administrator sets is read", async () => {
  const values = {
    organisation: " Example Ltd ",
    help: "https://help.example.org/mail",
    domain: "Example.ORG.",
    servers: [SERVER],
    program: "thunderbird",
    history: false,
    language: "FR",
  };
  assert.deepEqual(await readManaged(new FakeArea(values)), {
    organisation: "Example Ltd",
    help: "https://help.example.org/mail",
    domain: "example.org",
    servers: [SERVER],
    program: "thunderbird",
    history: false,
    language: "fr",
  });
});

test("what does not fit is left out, and what is unknown too", () => {
  const wrong = {
    organisation: 7,
    help: "javascript:alert(1)",
    domain: "",
    servers: [null, 7, { ...SERVER, port: 0 }, { ...SERVER, protocol: "gopher" }, { ...SERVER, extra: 1 }],
    program: {},
    history: "yes",
    language: [],
    surprise: true,
  };
  assert.deepEqual(usableSettings(wrong), { servers: [SERVER] });
});

test("values that arrive late, change and go are told, each once", async () => {
  const area = new FakeArea(null);
  const seen = [];
  const end = watchManaged((managed) => seen.push(managed.organisation ?? null), area);
  await settled();
  area.set({ organisation: "Example Ltd" });
  await settled();
  area.set({ organisation: "Example Ltd" });
  await settled();
  area.set({ organisation: "Other Ltd" });
  await settled();
  area.set({});
  await settled();
  end();
  area.set({ organisation: "Nobody hears" });
  await settled();
  assert.deepEqual(seen, [null, "Example Ltd", "Other Ltd", null]);
  assert.equal(area.listeners.size, 0);
});

test("an answer that is overtaken by a newer one does not count", async () => {
  const area = new FakeArea({});
  const waiting = [];
  area.get = () => new Promise((resolve) => waiting.push(resolve));
  const seen = [];
  watchManaged((managed) => seen.push(managed.organisation ?? null), area);
  area.set({});
  waiting[1]({ organisation: "new" });
  await settled();
  waiting[0]({ organisation: "old" });
  await settled();
  assert.deepEqual(seen, ["new"]);
});

test("the schema that browsers check names the same keys, and the manifest names the schema", () => {
  const folder = new URL("../../../extension/", import.meta.url);
  const manifest = JSON.parse(readFileSync(new URL("manifest.json", folder), "utf8"));
  const schema = JSON.parse(readFileSync(new URL(manifest.storage.managed_schema, folder), "utf8"));
  const whole = {
    organisation: "x",
    help: "https://x.example/",
    domain: "x.example",
    servers: [SERVER],
    program: "x",
    history: true,
    language: "en",
  };
  assert.equal(schema.type, "object");
  assert.ok(!("additionalProperties" in schema), "Chromium refuses it at the top");
  assert.deepEqual(Object.keys(schema.properties).sort(), Object.keys(usableSettings(whole)).sort());
});

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { LANGUAGES } from "../../../extension/core/catalogue.js";
import {
  accountSection,
  commonRemarks,
  offeredSettings,
  programById,
  programChoices,
  programFields,
  programRemarks,
  programSupports,
  sourcesOf,
} from "../../../extension/core/mail-programs.js";
import { loadPrograms } from "../../../extension/platform/bundled-files.js";

const FILE = new URL("../../../extension/core/data/programs.json", import.meta.url);
const programs = JSON.parse(readFileSync(FILE, "utf8"));
const program = (id) => programById(programs, id);

const setting = (protocol, port, security, changes = {}) => ({
  protocol,
  host: `${protocol}.example.org`,
  port,
  security,
  auth: ["password"],
  username: "address",
  verified: true,
  source: "srv",
  ...changes,
});
const SUBMISSIONS = setting("smtp", 465, "tls");
const SUBMISSION = setting("smtp", 587, "starttls");
const IMAPS = setting("imap", 993, "tls");
const IMAP = setting("imap", 143, "starttls");
const POP3S = setting("pop3", 995, "tls");
const CLEAR = setting("imap", 143, "none");
const ALL = [SUBMISSIONS, SUBMISSION, IMAPS, IMAP, POP3S];

const rows = (id, one, language = "en", user) =>
  programFields(program(id), one, language, user).map(({ label, value }) => [label, value]);
const chosen = (id, one, language = "en") =>
  programFields(program(id), one, language).find(({ field }) => field === "security")?.value;

test("the file is loaded from the extension itself", async (t) => {
  t.mock.method(globalThis, "fetch", async (url) => {
    assert.equal(String(url), String(FILE));
    return new Response(readFileSync(FILE));
  });
  assert.deepEqual(await loadPrograms(), programs);
});

test("each program is asked for its own words, in each language", () => {
  assert.deepEqual(rows("thunderbird", IMAPS, "en", "user@example.org"), [
    ["Hostname", "imap.example.org"],
    ["Port", "993"],
    ["Connection security", "SSL/TLS"],
    ["Username", "user@example.org"],
  ]);
  assert.deepEqual(rows("thunderbird", SUBMISSION, "fr"), [
    ["Nom d’hôte", "smtp.example.org"],
    ["Port", "587"],
    ["Sécurité de la connexion", "STARTTLS"],
  ]);
  assert.equal(accountSection(program("thunderbird"), IMAPS, "fr"), "Serveur entrant");
  assert.equal(accountSection(program("thunderbird"), SUBMISSION, "en"), "Outgoing server");
  assert.equal(accountSection(program("gmail"), SUBMISSION, "en"), null);
});

test("SSL and TLS mean what each program means by them", () => {
  assert.equal(chosen("gmail", SUBMISSIONS), "Secured connection using SSL");
  assert.equal(chosen("gmail", SUBMISSION), "Secured connection using TLS");
  assert.equal(chosen("geary", IMAPS), "TLS");
  assert.equal(chosen("geary", IMAP), "StartTLS");
  for (const id of ["outlook-classic", "outlook-new", "fairemail"]) {
    assert.deepEqual([chosen(id, SUBMISSIONS), chosen(id, SUBMISSION)], ["SSL/TLS", "STARTTLS"], id);
  }
});

test("a label may belong to one protocol", () => {
  assert.equal(rows("outlook-new", IMAPS)[0][0], "IMAP Incoming Server");
  assert.equal(rows("outlook-new", SUBMISSION, "fr")[0][0], "Serveur sortant SMTP");
  assert.deepEqual(rows("outlook-new", POP3S)[0], [null, "pop3.example.org"]);
});

test("one switch is on for both kinds of encryption, and that is said where it matters", () => {
  for (const id of ["apple-mail-mac", "apple-mail-ios"]) {
    assert.equal(chosen(id, SUBMISSIONS), chosen(id, SUBMISSION));
    const [upgraded, implicit] = [SUBMISSION, SUBMISSIONS].map((one) =>
      programRemarks(program(id), one, "en").join(" "),
    );
    assert.match(upgraded, /STARTTLS/);
    assert.doesNotMatch(implicit, /STARTTLS/);
  }
});

test("where one field takes server and port, there is no other row for them", () => {
  assert.deepEqual(rows("roundcube", IMAPS), [["$config['imap_host']", "ssl://imap.example.org:993"]]);
  assert.deepEqual(rows("roundcube", SUBMISSION), [["$config['smtp_host']", "tls://smtp.example.org:587"]]);
  const six = setting("smtp", 465, "tls", { host: "2001:db8::7" });
  assert.equal(rows("roundcube", six)[0][1], "ssl://[2001:db8::7]:465");
  assert.deepEqual(rows("geary", IMAPS), [
    ["IMAP server", "imap.example.org:993"],
    ["Connection security", "TLS"],
  ]);
  assert.equal(rows("geary", setting("imap", 993, "tls", { host: "$&{port}" }))[0][1], "$&{port}:993");
});

test("what a program cannot use is not offered for it, and nothing is without encryption", () => {
  assert.equal(programSupports(program("gmail"), IMAPS), false);
  assert.equal(programSupports(program("gmail"), setting("smtp", 2525, "starttls")), false);
  assert.equal(programSupports(program("gmail"), SUBMISSION), true);
  assert.equal(programSupports(program("thunderbird"), setting("smtp", 2525, "starttls")), true);
  assert.equal(programSupports(program("geary"), POP3S), false);
  for (const each of programs.programs) {
    assert.deepEqual(programFields(each, CLEAR, "en"), [], each.id);
    assert.equal(programSupports(each, CLEAR), false, each.id);
  }
  assert.deepEqual(rows("gmail", IMAPS), []);
  assert.deepEqual(programRemarks(program("gmail"), IMAPS, "en").length, 1);
});

test("every program says every setting that fits, whole", () => {
  for (const each of programs.programs) {
    for (const language of LANGUAGES) {
      const fitting = ALL.filter((one) => programSupports(each, one));
      assert.ok(fitting.length > 0, each.id);
      for (const one of fitting) {
        const text = programFields(each, one, language, "me")
          .map(({ value }) => value)
          .join(" ");
        for (const part of [one.host, String(one.port), "me"]) assert.ok(text.includes(part), `${each.id}: ${text}`);
      }
    }
  }
});

test("programs are listed by name, and an unknown one is none", () => {
  for (const language of LANGUAGES) {
    const names = programChoices(programs, language).map(({ name }) => name);
    assert.deepEqual(names, [...names].sort(new Intl.Collator(language).compare));
    assert.equal(names.length, programs.programs.length);
  }
  assert.ok(programChoices(programs, "fr").some(({ name }) => name === "Nouvel Outlook (Windows)"));
  for (const id of ["nothing", null, undefined, "toString"]) assert.equal(programById(programs, id), null);
});

test("what the program cannot use is not offered first", () => {
  const strange = setting("smtp", 2525, "starttls");
  const list = [strange, SUBMISSIONS, SUBMISSION];
  assert.deepEqual(offeredSettings(null, list), { first: strange, rest: [SUBMISSIONS, SUBMISSION] });
  assert.deepEqual(offeredSettings(program("thunderbird"), list), { first: strange, rest: [SUBMISSIONS, SUBMISSION] });
  assert.deepEqual(offeredSettings(program("gmail"), list), { first: SUBMISSIONS, rest: [SUBMISSION, strange] });
  assert.deepEqual(offeredSettings(program("gmail"), [IMAPS]), { first: null, rest: [IMAPS] });
  assert.deepEqual(offeredSettings(program("gmail"), []), { first: null, rest: [] });
});

test("what does not work from here is not recommended because it is what the program can use", () => {
  const dead = setting("smtp", 587, "starttls", { verified: false });
  const strange = setting("smtp", 2525, "starttls");
  assert.deepEqual(offeredSettings(program("gmail"), [strange, dead]), { first: null, rest: [dead, strange] });
  assert.deepEqual(offeredSettings(program("gmail"), [dead]), { first: dead, rest: [] });
});

test("where nothing is encrypted, no program changes what is shown as evidence", () => {
  assert.deepEqual(offeredSettings(program("geary"), [CLEAR]), { first: CLEAR, rest: [] });
  assert.deepEqual(offeredSettings(program("geary"), [IMAPS, CLEAR]), { first: IMAPS, rest: [CLEAR] });
});

test("a remark on everything is told from those on one kind of setting", () => {
  const mac = program("apple-mail-mac");
  const both = commonRemarks(mac, [SUBMISSIONS, IMAP, CLEAR], "en");
  assert.deepEqual(both, programRemarks(mac, SUBMISSIONS, "en"));
  assert.equal(programRemarks(mac, IMAP, "en").length, both.length + 1);
  assert.deepEqual(commonRemarks(mac, [SUBMISSION, IMAP], "en"), programRemarks(mac, IMAP, "en"));
  assert.deepEqual(commonRemarks(mac, [SUBMISSION], "en"), [], "there is one card for it to stand in");
  assert.deepEqual(commonRemarks(program("gmail"), [SUBMISSIONS, SUBMISSION, IMAPS], "en"), []);
});

test("every program says who says so", () => {
  for (const each of programs.programs) {
    const sources = sourcesOf(programs, each);
    assert.equal(sources.length, each.sources.length, each.id);
    for (const { title, organisation, place } of sources) assert.ok(title && organisation && place, each.id);
  }
});

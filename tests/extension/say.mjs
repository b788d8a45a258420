/** What the extension says of the reports on standard input, `{name: report}`, in each language. */

import { readFileSync } from "node:fs";

import { hintInWords, remedy, remedyInWords, tell } from "../../extension/shared/advice.js";
import { Catalogue, LANGUAGES } from "../../extension/shared/catalogue.js";
import { compared, reasonsInWords, traced } from "../../extension/shared/evidence.js";
import { verdictFinding } from "../../extension/shared/run.js";
import { sentence } from "../../extension/shared/sentence.js";
import { wayInWords } from "../../extension/shared/way.js";

const reports = Object.entries(JSON.parse(readFileSync(0, "utf8")));

const said = (report, catalogue) => ({
  headline: sentence(verdictFinding(report), catalogue, report.target.host).headline,
  use: remedyInWords(report, catalogue),
  tell: tell(report, catalogue),
  hints: report.hints.map((hint) => hintInWords(hint, catalogue)),
  way: report.way && wayInWords(report.way, report.verdict.code, catalogue),
  reasons: reasonsInWords(report, catalogue),
  tested: remedy(report)?.port ?? null,
  traced: traced(report).map(({ failing, beside }) => [failing.id, beside?.id ?? null]),
  compared: [...new Set(compared(report).map(({ role, host, port }) => `${role} ${host} ${port}`))],
});

const everything = LANGUAGES.map((language) => {
  const path = new URL(`../../extension/_locales/${language}/messages.json`, import.meta.url);
  const catalogue = new Catalogue(language, JSON.parse(readFileSync(path, "utf8")));
  return [language, Object.fromEntries(reports.map(([name, report]) => [name, said(report, catalogue)]))];
});
process.stdout.write(JSON.stringify(Object.fromEntries(everything)));

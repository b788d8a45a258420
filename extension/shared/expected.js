/** @typedef {import("./catalogue.js").Catalogue} Catalogue */
/** @typedef {import("../types/messages.d.ts").ExpectedSettings} ExpectedSettings */
/** @typedef {ExpectedSettings["servers"][number]} ExpectedServer */

import { plain } from "./catalogue.js";

/**
 * What the organisation states: the title, the answer, and a line for each server that is not as stated.
 *
 * @param {ExpectedSettings} expected
 * @param {Catalogue} t
 */
export function expectedInWords({ organisation, state, servers }, t) {
  return {
    title: organisation ? t.text("expected_title_named", { name: plain(organisation) }) : t.text("expected_title"),
    answer: t.text(`expected_${state.replaceAll("-", "_")}`),
    lines: servers.filter((server) => server.state !== "works").map((server) => stated(server, t)),
  };
}

/**
 * @param {ExpectedServer} server
 * @param {Catalogue} t
 */
function stated({ host, port, security, state, differs, auth, found }, t) {
  const words = { host: plain(host), port: String(port), security: t.word("security", security) };
  if (state !== "differs" || !found) return t.text(`expected_server_${state}`, words);
  const list = (/** @type {readonly string[]} */ families) => t.list(families.map((word) => t.word("auth", word)));
  if (differs.length === 1 && differs[0] === "auth")
    return t.text("expected_server_auth", { ...words, auth: list(found.auth), stated_auth: list(auth) });
  const there = { found_port: String(found.port), found_security: t.word("security", found.security) };
  return t.text("expected_server_differs", { ...words, ...there });
}

/** @typedef {"network" | "provider" | "computer" | "router" | "server" | "names" | "you"} Party */

/**
 * Who can mend what a code names, for the line under the verdict (`party_…`).
 *
 * @type {Record<string, Party>}
 */
export const PARTIES = {
  "port25-blocked": "network",
  "port25-relay-only": "network",
  "port-blocked": "network",
  "mail-allowlist": "network",
  "local-firewall": "computer",
  "gateway-firewall": "router",
  "smtp-intercepted": "network",
  "starttls-stripped": "network",
  "tls-intercepted": "network",
  "captive-portal": "you",
  "network-changed": "you",
  offline: "you",
  "no-common-family": "network",
  "ipv6-broken": "network",
  "ipv4-broken": "network",
  "server-down": "server",
  "client-rejected": "server",
  "port-closed": "server",
  "port-silent": "server",
  "no-mail-service": "server",
  "greeting-refused": "server",
  "greeting-busy": "server",
  "no-greeting": "server",
  "connection-cut": "server",
  "slow-greeting": "server",
  "wrong-protocol": "server",
  "dns-nxdomain": "you",
  "dns-nodata": "names",
  "dns-servfail": "names",
  "dns-timeout": "network",
  "dns-hijacked": "network",
  "dns-differs": "computer",
  "null-mx": "names",
  "sending-not-offered": "names",
  "offer-refused": "names",
  "offer-untested": "computer",
  "wrong-host-name": "you",
  "wrong-security": "you",
  "cert-expired": "server",
  "cert-not-yet-valid": "server",
  "cert-name-mismatch": "server",
  "cert-self-signed": "server",
  "cert-untrusted": "server",
  "cert-incomplete-chain": "server",
  "cert-expiring": "server",
  "clock-wrong": "you",
  "tls-legacy-only": "server",
  "tls-failed": "server",
  "plaintext-only": "server",
  "starttls-injection": "server",
  "auth-oauth-only": "you",
  "auth-before-tls": "server",
  "auth-absent": "server",
};

/**
 * Who can mend what a finding names: the provider itself where it is proved that the cause is there.
 *
 * @param {import("../types/messages.d.ts").Finding} finding
 * @returns {Party | undefined}
 */
export function partyOf({ code, params }) {
  const party = PARTIES[code];
  return party === "network" && params["where"] === "provider" ? "provider" : party;
}

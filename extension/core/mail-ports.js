import { ports } from "./data/ports.js";

/** @typedef {import("../types/page.d.ts").PortFacts} PortFacts */

/** The ports on which mail programs send and receive. @type {PortFacts[]} */
export const MAIL_PORTS = /** @type {PortFacts[]} */ (ports.port).filter(
  ({ direction }) => direction === "outgoing" || direction === "incoming",
);

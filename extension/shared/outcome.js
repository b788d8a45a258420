/** @typedef {import("../types/messages.d.ts").Observation} Observation */

/**
 * What the cell of an endpoint says in one or two words, and its shape.
 *
 * @typedef {"good" | "plain" | "warning" | "bad" | "closed" | "silent" | "pending"} Tone
 * @typedef {{tone: Tone, key: string}} Outcome  the key of a message
 */

/** @type {Record<Observation["state"], Tone>} */
const TONES = {
  open: "good",
  // A server rarely offers everything: a closed port is not alarming by itself.
  refused: "closed",
  "no-answer": "silent",
  unreachable: "silent",
  prohibited: "bad",
  reset: "bad",
  error: "bad",
};

/** @type {Partial<Record<NonNullable<Observation["greeting_kind"]>, string>>} */
const GREETINGS = {
  busy: "ui_outcome_busy",
  refused: "ui_outcome_turned_away",
  silent: "ui_outcome_no_greeting",
  closed: "ui_outcome_hung_up",
  foreign: "ui_outcome_foreign",
};

/**
 * @param {Observation | null} observation  null: nothing yet
 * @param {boolean} running
 * @returns {Outcome}
 */
export function outcome(observation, running) {
  if (!observation) {
    return running ? { tone: "pending", key: "ui_outcome_pending" } : { tone: "plain", key: "ui_outcome_untested" };
  }
  if (observation.provisional && running) return { tone: "pending", key: "ui_outcome_waiting" };
  if (observation.state !== "open") {
    return { tone: TONES[observation.state], key: `state_${observation.state.replaceAll("-", "_")}` };
  }
  if (observation.tls?.fault) {
    const certificate = observation.tls.fault.startsWith("cert-");
    return { tone: "warning", key: certificate ? "ui_outcome_certificate" : "ui_outcome_tls" };
  }
  const greeting = observation.greeting_kind && GREETINGS[observation.greeting_kind];
  if (greeting) return { tone: "warning", key: greeting };
  if (observation.security === "none") {
    return { tone: observation.asked === "none" ? "plain" : "warning", key: "ui_outcome_clear" };
  }
  return { tone: "good", key: observation.security ? "ui_outcome_encrypted" : "state_open" };
}

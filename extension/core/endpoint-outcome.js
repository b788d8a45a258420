/** @typedef {import("../types/messages.d.ts").Observation} Observation */

/**
 * The shape and colour of an endpoint's cell.
 *
 * @typedef {"good" | "plain" | "warning" | "bad" | "closed" | "silent" | "pending"} Tone
 */

/** @type {Record<Observation["state"], Tone>} */
const TONES = {
  open: "warning",
  // A server rarely offers everything: a closed port is not alarming by itself.
  refused: "closed",
  "no-answer": "silent",
  unreachable: "silent",
  prohibited: "bad",
  reset: "bad",
  error: "bad",
};

/** What an open port may say and be well. */
const WELL = new Set(["ui_outcome_encrypted", "state_open"]);

/**
 * What the cell of an endpoint says in one or two words, and how it looks.
 *
 * @param {Observation | null} observation  null: nothing yet
 * @param {boolean} running
 * @param {import("./catalogue.js").Catalogue} t
 * @returns {{tone: Tone, text: string}}
 */
export function endpointOutcome(observation, running, t) {
  if (!observation) {
    return running
      ? { tone: "pending", text: t.text("ui_outcome_pending") }
      : { tone: "plain", text: t.text("ui_outcome_untested") };
  }
  if (observation.provisional && running) return { tone: "pending", text: t.text("ui_outcome_waiting") };
  const { says, state, asked } = observation;
  const text = (says && t.said(says)) || t.word("state", state);
  if (state !== "open") return { tone: TONES[state], text };
  if (says && WELL.has(says.key)) return { tone: "good", text };
  // Whoever asked for no encryption is not warned that there is none.
  const clear = says?.key === "ui_outcome_clear" && asked === "none";
  return { tone: clear ? "plain" : TONES.open, text };
}

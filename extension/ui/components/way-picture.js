import { plain } from "../../core/catalogue.js";
import { STATIONS, stretches } from "../../core/way-stretches.js";
import { h } from "./dom.js";
import { shape } from "./shapes.js";

/** @typedef {import("../../types/messages.d.ts").Way} Way */
/** @typedef {import("../state/view.js").RunView} RunView */

/**
 * The way from this computer to the server, and the place on it where connections stop. The sentence says it all; the
 * picture beside it is for the eye.
 *
 * @param {RunView} view
 */
export function waySection(view) {
  const { t, run } = view;
  if (run.phase !== "done" || !run.report) return null;
  const { way: known, told } = run.report;
  if (!known || known.stopped.length === 0) return null;
  return h(
    "section",
    {
      class: "way",
      "data-key": "way",
      "data-from": known.stops_from,
      "data-to": known.stops_to,
      "aria-labelledby": "way-title",
    },
    h("h2", { id: "way-title" }, t.text("way_title")),
    h("figure", {}, picture(view, known), h("figcaption", { class: "way-words" }, t.paragraph(told?.way ?? []))),
  );
}

/**
 * @param {RunView} view
 * @param {Way} known
 */
function picture({ t }, known) {
  const { stopped, passing, refused = [] } = known;
  const stops = stretches(known);
  const whole = STATIONS.slice(1).map(() => /** @type {const} */ ("passed"));
  const passes = { stretches: whole, at: null };
  const saysNo = { stretches: whole, at: STATIONS.length - 1 };
  /** @type {Partial<Record<typeof STATIONS[number], string | null>>} */
  const addresses = { box: known.box, provider: known.provider };
  return h(
    "div",
    { class: "way-picture", "aria-hidden": "true" },
    h(
      "div",
      { class: "way-stations" },
      ...STATIONS.map((station) => {
        const address = addresses[station];
        return h(
          "div",
          { class: "way-station" },
          shape(station),
          h("span", { class: "way-name" }, t.text(`station_${station}`)),
          address && h("span", { class: "way-address", title: plain(address) }, plain(address)),
        );
      }),
    ),
    lane(t, "bad", stopped, stops),
    passing.length > 0 && lane(t, "good", passing, passes),
    refused.length > 0 && lane(t, "bad", refused, saysNo),
  );
}

/**
 * @param {RunView["t"]} t
 * @param {"good" | "bad"} tone
 * @param {number[]} ports
 * @param {ReturnType<typeof stretches>} line
 */
function lane(t, tone, ports, { stretches: parts, at }) {
  // A cross says where. Somewhere on several stretches is a question on each, and no cross at any one station.
  const doubtful = parts.filter((part) => part === "perhaps").length;
  const cross = () => shape("cross", "shape way-mark way-cross");
  const doubt = () => (doubtful > 1 ? shape("question", "shape way-mark way-doubt") : cross());
  return h(
    "div",
    { class: "way-lane", "data-tone": tone },
    h("span", { class: "way-ports" }, t.said({ key: "way_ports", values: { PORTS: ports }, count: ports.length })),
    h(
      "div",
      { class: "way-line" },
      ...STATIONS.flatMap((_, index) => {
        const before = parts[index - 1];
        const after = parts[index];
        const reached = before === undefined || before === "passed";
        const dot = reached ? "passed" : before === "perhaps" && after === "perhaps" ? "perhaps" : "beyond";
        const end = tone === "good" && index === STATIONS.length - 1;
        return [
          h(
            "span",
            { class: "way-dot", "data-stretch": dot },
            index === at && cross(),
            end && shape("copied", "shape way-mark way-check"),
          ),
          after !== undefined &&
            h("span", { class: "way-part", "data-stretch": after }, after === "perhaps" && doubt()),
        ];
      }),
    ),
  );
}

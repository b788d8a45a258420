import { svg } from "./dom.js";

/**
 * Line drawings on a 20 × 20 grid. Each state has an outline of its own, so that none is told by colour alone.
 *
 * @type {Record<string, readonly string[]>}
 */
const PATHS = {
  good: ["M10 2.5a7.5 7.5 0 1 1 0 15a7.5 7.5 0 1 1 0-15", "M6.6 10.4l2.3 2.3l4.6-5"],
  plain: ["M10 2.5a7.5 7.5 0 1 1 0 15a7.5 7.5 0 1 1 0-15", "M7 10h6"],
  note: ["M10 2.5a7.5 7.5 0 1 1 0 15a7.5 7.5 0 1 1 0-15", "M10 9.2v4.6", "M10 6.2v.1"],
  warning: ["M10 3l7.6 13.6H2.4z", "M10 8v4", "M10 14.3v.1"],
  bad: ["M7 2.5h6L17.5 7v6L13 17.5H7L2.5 13V7z", "M7.4 7.4l5.2 5.2", "M12.6 7.4l-5.2 5.2"],
  closed: ["M7 2.5h6L17.5 7v6L13 17.5H7L2.5 13V7z", "M7.4 7.4l5.2 5.2", "M12.6 7.4l-5.2 5.2"],
  silent: ["M10 2.5a7.5 7.5 0 1 1 0 15a7.5 7.5 0 1 1 0-15", "M4.8 4.8l10.4 10.4"],
  unknown: [
    "M10 2.5a7.5 7.5 0 1 1 0 15a7.5 7.5 0 1 1 0-15",
    "M7.9 8a2.1 2.1 0 1 1 3.1 1.9c-.7.4-1 .8-1 1.6",
    "M10 14v.1",
  ],
  stopped: ["M10 2.5a7.5 7.5 0 1 1 0 15a7.5 7.5 0 1 1 0-15", "M7.5 7.5h5v5h-5z"],
  stop: ["M6 6h8v8H6z"],
  copy: ["M7.5 7.5v-4h9v9h-4", "M3.5 7.5h9v9h-9z"],
  copied: ["M4 10.5l4 4l8-9"],
  save: ["M10 3.5v9", "M6.5 9.5l3.5 3.5l3.5-3.5", "M4 16.5h12"],
  tab: ["M8.5 4H4v12h12v-4.5", "M11.5 4H16v4.5", "M16 4l-6.5 6.5"],
  cross: ["M5.5 5.5l9 9", "M14.5 5.5l-9 9"],
  question: ["M7.2 7.4a2.9 2.9 0 1 1 4.3 2.6c-1 .6-1.5 1.1-1.5 2.2", "M10 14.9v.1"],
  you: ["M4 4.5h12v8.5H4z", "M2 16h16"],
  box: ["M3 10.5h14v6H3z", "M6 13.5v.1", "M9 13.5v.1", "M13.5 10.5v-7"],
  provider: ["M10 8.5v8.5", "M6.5 17h7", "M10 6.2v.1", "M6.9 9.2a4.4 4.4 0 0 1 0-6.2", "M13.1 9.2a4.4 4.4 0 0 0 0-6.2"],
  internet: [
    "M10 2.5a7.5 7.5 0 1 1 0 15a7.5 7.5 0 1 1 0-15",
    "M2.8 10h14.4",
    "M10 2.5c-4.3 4.4-4.3 10.6 0 15c4.3-4.4 4.3-10.6 0-15",
  ],
  server: ["M4 3h12v6H4z", "M4 11h12v6H4z", "M7 6v.1", "M7 14v.1"],
  arrow: ["M4 10h12", "M11 5l5 5l-5 5"],
};

/** The shape of a finding, by its severity. */
export const SEVERITY_SHAPES = { blocker: "bad", warning: "warning", note: "note", good: "good" };

/**
 * @param {string} name
 * @param {string} [className]
 */
export function shape(name, className = "shape") {
  const paths = (PATHS[name] ?? []).map((d) => svg("path", { d }));
  return svg("svg", { class: className, viewBox: "0 0 20 20", "aria-hidden": "true", focusable: "false" }, ...paths);
}

/** A turning ring: something is under way. */
export function spinner(className = "shape") {
  return svg(
    "svg",
    { class: `${className} ring`, viewBox: "0 0 20 20", "aria-hidden": "true", focusable: "false" },
    svg("circle", { cx: 10, cy: 10, r: 7.5, pathLength: 100 }),
  );
}

/** The postern: a low arched door in a wall. */
export function logo() {
  return svg(
    "svg",
    { class: "mark", viewBox: "0 0 32 32", "aria-hidden": "true", focusable: "false" },
    svg("path", { class: "mark-wall", d: "M2 4h6v4h4V4h8v4h4V4h6v26H2z" }),
    svg("path", { class: "mark-door", d: "M11 30V20a5 5 0 0 1 10 0v10z" }),
    svg("circle", { class: "mark-knob", cx: 18.5, cy: 24, r: 1.2 }),
  );
}

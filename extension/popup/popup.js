import { showRunPage } from "../ui/screens/run-page.js";

/** Time for the browser to give the popup its size. */
const SETTLED_MS = 250;

/** No popup that has its size is narrower. */
const NARROWEST = 280;

/** @type {ReturnType<typeof setTimeout> | undefined} */
let timer;

/** A browser cuts a popup at 800 device pixels: at 200 % zoom the page would have to be scrolled sideways. */
function fit() {
  document.body.style.minWidth = "";
  const { innerWidth } = window;
  if (innerWidth >= NARROWEST && document.documentElement.scrollWidth > innerWidth) {
    document.body.style.minWidth = `${innerWidth}px`;
  }
}

function fitSoon() {
  clearTimeout(timer);
  timer = setTimeout(fit, SETTLED_MS);
}

await showRunPage({ inTab: false });
fitSoon();
window.addEventListener("resize", fitSoon);

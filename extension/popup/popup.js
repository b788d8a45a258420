import { mount } from "../ui/app.js";

/** Time for the browser to give the popup its size. */
const SETTLED_MS = 250;

/** No popup that has its size is narrower. */
const NARROWEST = 280;

/** A browser cuts a popup at 800 device pixels: at 200 % zoom the page would have to be scrolled sideways. */
function fit() {
  const { innerWidth } = window;
  if (innerWidth >= NARROWEST && document.documentElement.scrollWidth > innerWidth) {
    document.body.style.minWidth = `${innerWidth}px`;
  }
}

await mount({ inTab: false });
setTimeout(fit, SETTLED_MS);

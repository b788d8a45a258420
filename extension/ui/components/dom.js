/**
 * What an element is filled with; text becomes a text node, and is never parsed.
 *
 * @typedef {Node | string | number | null | undefined | false} Child
 * @typedef {Record<string, string | number | boolean | null | undefined>} Attributes
 */

const SVG = "http://www.w3.org/2000/svg";

/**
 * @param {Element} element
 * @param {Attributes} attributes
 * @param {Child[]} children
 */
function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== null && value !== undefined && value !== false) {
      element.setAttribute(name, value === true ? "" : String(value));
    }
  }
  for (const child of children) {
    if (child !== null && child !== undefined && child !== false) {
      element.append(child instanceof Node ? child : String(child));
    }
  }
}

/**
 * @template {keyof HTMLElementTagNameMap} Name
 * @param {Name} name
 * @param {Attributes} [attributes]  null, undefined and false leave an attribute out
 * @param {...Child} children
 * @returns {HTMLElementTagNameMap[Name]}
 */
export function h(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  fill(element, attributes, children);
  return element;
}

/**
 * @param {string} name
 * @param {Attributes} attributes
 * @param {...Child} children
 */
export function svg(name, attributes, ...children) {
  const element = document.createElementNS(SVG, name);
  fill(element, attributes, children);
  return element;
}

/** State of the reader, not of the run: an opened <details> stays as it was left. */
const KEPT = new Set(["open"]);

/**
 * @param {Element} current
 * @param {Element} next
 */
function morphAttributes(current, next) {
  for (const { name } of [...current.attributes]) {
    if (!next.hasAttribute(name) && !KEPT.has(name)) current.removeAttribute(name);
  }
  for (const { name, value } of next.attributes) {
    if (current.getAttribute(name) !== value && !KEPT.has(name)) current.setAttribute(name, value);
  }
}

/** @param {Node} node */
const keyOf = (node) => (node instanceof Element ? node.getAttribute("data-key") : null);

/**
 * Makes the content of an element like that of another, and keeps every node that can be kept: focus, selection and
 * what a screen reader has read stay. Children with a `data-key` are recognised by it, others by their place.
 *
 * @param {Element} current
 * @param {Element} next  is emptied
 */
export function morph(current, next) {
  morphAttributes(current, next);
  const keyed = new Map([...current.children].flatMap((child) => (keyOf(child) ? [[keyOf(child), child]] : [])));
  const staying = new Set([...next.children].map(keyOf));
  for (const [key, child] of keyed) {
    // What goes is taken out first: then what stays need not be moved, which would cost it the focus.
    if (!staying.has(key)) child.remove();
  }
  let place = current.firstChild;
  for (const child of [...next.childNodes]) {
    const key = keyOf(child);
    const match = key ? (keyed.get(key) ?? null) : place;
    const reusable = match && match.nodeName === child.nodeName && keyOf(match) === key;
    if (!reusable) {
      current.insertBefore(child, place);
      continue;
    }
    if (match === place) place = place.nextSibling;
    else current.insertBefore(match, place);
    if (match instanceof Element && child instanceof Element) morph(match, child);
    else if (match.nodeValue !== child.nodeValue) match.nodeValue = child.nodeValue;
  }
  while (place) {
    const following = place.nextSibling;
    place.remove();
    place = following;
  }
}

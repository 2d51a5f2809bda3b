// A page of results comes in two parts (shopsearch/server/pages/in_parts.py): what is seen first of the
// list, which is painted at once, then the rest of it and the filters. Until those are there, the
// filters of before stay in their place.

const MARK = "<!--and-->";
const CARD_WIDTH = 240; // px, the space around it included
const CARD_HEIGHT = 360;
const MOST_FIRST = 24;
const PAINTED_WITHIN_MS = 100; // a window that is out of sight paints nothing

/** The header that asks for an answer in parts: how many cards a window of this size has room for. */
export function inParts() {
  const [columns, rows] = [innerWidth / CARD_WIDTH, innerHeight / CARD_HEIGHT].map(Math.ceil);
  return { "Shop-Parts": String(Math.min(MOST_FIRST, columns * rows)) };
}

/** The parts of an answer as documents, each as soon as it is there. */
export async function* partsOf(response) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  for (;;) {
    const { done, value = "" } = await reader.read();
    text += value;
    const end = text.indexOf(MARK);
    if (!done && end < 0) continue;
    yield parsed(end < 0 ? text : text.slice(0, end));
    if (done) return;
    text = text.slice(end + MARK.length);
  }
}

function parsed(html) {
  const template = document.createElement("template"); // quicker than a whole document
  template.innerHTML = html;
  return template.content;
}

/** Put a <main> in the place of the one on show, but for filters that are about to be replaced. */
export function takePlace(main) {
  const old = document.querySelector("main");
  const [before, after] = [old, main].map((one) => one.querySelector(":scope > .faceted"));
  if (!isUnfinished(main) || !before || !after) {
    old.replaceWith(main);
    return;
  }
  for (const { name, value } of main.attributes) old.setAttribute(name, value);
  const [was, is] = [before, after].map((one) => one.querySelector(".faceted__results"));
  was.replaceWith(is);
  while (old.firstChild !== before) old.firstChild.remove();
  while (main.firstChild !== after) before.before(main.firstChild);
}

export function isUnfinished(main) {
  return "unfinished" in main.dataset;
}

/** Put the second part into a <main>. */
export function finish(main, rest) {
  const filters = rest.querySelector("[data-facets]");
  main.querySelector("[data-hits]")?.append(...rest.querySelectorAll("[data-hits] > li"));
  if (filters) main.querySelector("[data-facets]").replaceWith(filters);
  delete main.dataset.unfinished;
}

export function painted() {
  return new Promise((done) => {
    requestAnimationFrame(() => setTimeout(done));
    setTimeout(done, PAINTED_WITHIN_MS);
  });
}

// Results come in two parts (server/pages/in_parts.py): what is seen first, then the rest. Until then,
// the filters of before stay.

const MARK = "<!--and-->";
const CARD = [180, 380]; // px, where none is there
const ABOVE = 200; // px of a window that are not cards
const PAINTED_WITHIN_MS = 100; // out of sight nothing is painted

/** The header that asks for an answer in parts: how many cards the window has room for. */
export function inParts() {
  const card = document.querySelector("[data-hits] > li");
  const [width, height] = card ? [card.offsetWidth, card.offsetHeight] : CARD;
  const columns = Math.floor((card?.parentElement.offsetWidth ?? innerWidth) / width);
  const seen = Math.max(1, columns) * Math.ceil(Math.max(1, innerHeight - ABOVE) / height);
  return { "Shop-Parts": Math.min(99, seen) };
}

/** The parts of an answer, each as soon as it is there. */
export async function* partsOf(response) {
  const reader = response.body.getReader();
  const decoder = new TextDecoder();
  let text = "";
  for (;;) {
    const { done, value } = await reader.read();
    text += decoder.decode(value, { stream: !done });
    const end = text.indexOf(MARK);
    if (!done && end < 0) continue;
    yield parsed(end < 0 ? text : text.slice(0, end));
    if (done) return;
    text = text.slice(end + MARK.length);
  }
}

function parsed(html) {
  const place = document.createElement("div"); // of this document: nothing need be adopted
  place.innerHTML = html;
  return place;
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
  const places = main.querySelectorAll("[data-later]");
  rest.querySelectorAll("[data-later]").forEach((one, n) => places[n].replaceWith(one));
  main.querySelector("[data-hits]")?.append(...rest.querySelectorAll("[data-hits] > li"));
  delete main.dataset.unfinished;
}

export function painted() {
  return new Promise((done) => {
    requestAnimationFrame(() => setTimeout(done));
    setTimeout(done, PAINTED_WITHIN_MS);
  });
}

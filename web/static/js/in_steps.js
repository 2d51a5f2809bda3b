// A page of results comes in two steps: what is seen first of the list, which is painted at once, then
// the rest of it and the filters; until those are there, the ones of before stand in their place.

const SEEN_FIRST = 12; // cards
const PAINTED_WITHIN_MS = 100; // a window that is out of sight paints nothing

/** Take out of a <main> what can come later; the answer puts it in, once there was a first paint. */
export function inSteps(main) {
  const list = main.querySelector("[data-hits]");
  const cards = [...(list?.children ?? [])].slice(SEEN_FIRST);
  const filters = main.querySelector("[data-facets]");
  const before = document.querySelector("main [data-facets]");
  cards.forEach((card) => card.remove());
  if (filters && before) filters.replaceWith(before);
  main.dataset.unfinished = "";
  return async () => {
    await painted();
    if (!main.isConnected) return; // something newer took its place, and the filters with it
    list?.append(...cards);
    if (filters && before) before.replaceWith(filters);
    delete main.dataset.unfinished;
  };
}

function painted() {
  return new Promise((done) => {
    requestAnimationFrame(() => setTimeout(done));
    setTimeout(done, PAINTED_WITHIN_MS);
  });
}

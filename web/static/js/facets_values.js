// Searching among the values of a facet: those on the page at once, and where the facet has more than
// the page holds, all of them by asking the shop.

import { addressOf } from "./ask.js";
import { pageAt } from "./visit.js";

const PAUSE_MS = 180;

let waiting = 0;
let underWay = null;

export function findValues() {
  document.addEventListener("input", (event) => {
    const form = event.target.closest("[data-find-values]");
    if (form) find(form);
  });
  document.addEventListener("submit", (event) => {
    if (!event.target.matches("[data-find-values]")) return;
    event.preventDefault();
    find(event.target);
  });
}

function find(form) {
  clearTimeout(waiting);
  underWay?.abort();
  const facet = form.closest(".facet");
  const words = form.elements.facet_query.value.trim();
  const values = facet.querySelector("[data-values]");
  if (!words) return show(facet, null);
  if (!("isCut" in values.dataset)) return show(facet, containing(values, words));
  waiting = setTimeout(() => findAll(form, facet), PAUSE_MS);
}

function containing(values, words) {
  const folded = words.toLocaleLowerCase();
  return [...values.querySelectorAll("a[data-value]")].filter((link) =>
    link.querySelector(".facet__words").textContent.toLocaleLowerCase().includes(folded),
  );
}

async function findAll(form, facet) {
  underWay = new AbortController();
  const url = addressOf(form);
  try {
    const page = await pageAt(url, underWay.signal);
    show(facet, [...page.querySelectorAll("[data-found-values] a[data-value]")]);
  } catch (error) {
    if (error.name === "AbortError") return;
    show(facet, containing(facet.querySelector("[data-values]"), form.elements.facet_query.value));
  }
}

// The links stand in a list of their own, while the usual one is out of sight.
function show(facet, links) {
  const found = facet.querySelector("[data-found]");
  const none = facet.querySelector("[data-found-none]");
  facet.querySelector("[data-values]").hidden = links !== null;
  found.hidden = !links?.length;
  found.replaceChildren(
    ...(links ?? []).map((link) => {
      const item = document.createElement("li");
      item.append(document.importNode(link, true));
      return item;
    }),
  );
  none.textContent = links?.length === 0 ? none.dataset.words : "";
}

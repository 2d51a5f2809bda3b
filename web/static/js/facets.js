// Filters in place: the results change, and who filters stays where they were: the value that was
// used keeps the focus, the panel its scroll, and each fold stays as it was left.

import { addressOf, isPlain } from "./ask.js";
import { drawerIsOpen, keepDrawer, useDrawer } from "./facets_drawer.js";
import { slidePrices } from "./facets_price.js";
import { findValues } from "./facets_values.js";
import { visit } from "./visit.js";

const folds = new Map(); // by key: whether it is open, where the visitor said so
let used = null; // what a visit began from: a selector, and where it was in the window
let listScroll = 0;

export function filterInPlace() {
  document.addEventListener("click", followValue);
  document.addEventListener("submit", setPrices);
  document.addEventListener("scroll", rememberScroll, { capture: true, passive: true });
  document.addEventListener("click", rememberFold);
  document.addEventListener("shopsearch:arrived", settleIn);
  useDrawer();
  slidePrices();
  findValues();
}

// Visit an address from the panel; what the selector finds there takes the focus, in the same place.
function ask(url, selector, place) {
  used = { selector, top: place.getBoundingClientRect().top };
  const results = document.querySelector(".faceted");
  const top = results ? window.scrollY + results.getBoundingClientRect().top - headerHeight() : 0;
  const scroll = Math.max(0, Math.min(window.scrollY, top));
  return visit(url, { focus: null, scroll, whole: false });
}

function followValue(event) {
  const link = event.target.closest("a[data-value]");
  if (!link?.closest("[data-sheet]") || !isPlain(event)) return;
  event.preventDefault();
  const url = new URL(link.href);
  url.hash = location.hash;
  const fold = link.closest(".facet")?.dataset.fold;
  const away = link.dataset.value === `clear-${fold}`;
  ask(url, away ? `[data-fold="${fold}"] > summary` : `[data-value="${link.dataset.value}"]`, link);
}

function setPrices(event) {
  const form = event.target;
  if (!form.matches("[data-price]")) return;
  event.preventDefault();
  const [low, high] = ["price.min", "price.max"].map((name) => form.elements[name]);
  if (low.value && high.value && Number(low.value) > Number(high.value)) {
    [low.value, high.value] = [high.value, low.value];
  }
  const field = form.contains(document.activeElement) ? document.activeElement : form.querySelector("button");
  ask(addressOf(form), `#${CSS.escape(field.id)}`, field);
}

function settleIn() {
  for (const fold of document.querySelectorAll("[data-sheet] [data-fold]")) {
    const isOpen = folds.get(fold.dataset.fold);
    if (isOpen !== undefined) fold.open = isOpen;
  }
  unfold();
  keepDrawer();
  const sheet = document.querySelector("[data-sheet]");
  if (!sheet) return;
  if (used) focusAgain(sheet);
  used = null; // another search begins at the top of its filters
}

// What was used stays under the pointer, though what is above it has become shorter or longer.
function focusAgain(sheet) {
  const place = sheet.querySelector(used.selector) ?? sheet.querySelector("[data-facets-list] summary");
  place.closest("details:not([open])")?.setAttribute("open", "");
  scroller().scrollTop = listScroll;
  scroller().scrollTop += place.getBoundingClientRect().top - used.top;
  const rest = place.getBoundingClientRect().top - used.top;
  if (rest && !drawerIsOpen()) window.scrollBy({ top: rest, behavior: "instant" });
  place.focus({ preventScroll: true });
}

// What the visitor folds or unfolds is remembered; what a page comes with is not.
function rememberFold(event) {
  const fold = event.target.closest("[data-sheet] summary")?.parentElement;
  if (fold?.dataset.fold) folds.set(fold.dataset.fold, !fold.open); // it opens after the click
}

function rememberScroll(event) {
  if (event.target === scroller()) listScroll = event.target.scrollTop;
}

function scroller() {
  return document.querySelector(drawerIsOpen() ? "[data-facets-list]" : "[data-facets]");
}

function headerHeight() {
  return document.querySelector(".site-header").offsetHeight;
}

// The column shows what its fold holds even while that is shut, but not in every browser, and what
// reads pages aloud may take it for shut.
function unfold() {
  document.querySelector("[data-facets-fold]")?.setAttribute("open", "");
}

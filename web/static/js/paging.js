// Pages of results, or one list that goes on: as the visitor likes, and the browser remembers.
//
// The address names the page that the list has reached. Who comes back to it gets the pages before
// it too (up to EARLIER of them), and where the window was. After some pages the list waits for its
// button, so that the foot of the page can be reached.

import { announce, show } from "./notices.js";
import { store, stored } from "./storage.js";
import { pageAt, visit } from "./visit.js";

const KEY = "shopsearch.endless";
const PLACE = "shopsearch.place"; // where the window was when the list was left
const BY_ITSELF = 3; // pages in a row
const EARLIER = 5; // pages

const near = new IntersectionObserver(
  (entries) => entries.some((entry) => entry.isIntersecting) && loadMore(),
  { rootMargin: "600px 0px" },
);
let nByItself = 0;
let underWay = false;
let left = null; // px from the top, where the list is come back to by loading it

export function pageByChoice() {
  document.addEventListener("change", (event) => {
    if (event.target.matches("[data-endless]")) choose(event.target.checked);
  });
  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-load-more]")) loadMore({ asked: true });
  });
  document.addEventListener("shopsearch:arrived", arrive);
  window.addEventListener("pagehide", keepPlace);
  left = placeLeft();
}

function choose(endless) {
  store("localStorage", KEY, endless ? 1 : 0);
  if (endless) arrive();
  else visit(location.href, { push: false, scroll: window.scrollY });
}

function isEndless() {
  const kept = stored("localStorage", KEY); // where that cannot be, it holds for this page
  return kept === null ? (document.querySelector("[data-endless]")?.checked ?? false) : kept === 1;
}

async function arrive() {
  const endless = isEndless();
  document.documentElement.classList.toggle("is-endless", endless);
  const choice = document.querySelector("[data-endless]");
  if (choice) choice.checked = endless;
  nByItself = 0;
  rest();
  if (!endless || !list()) return;
  await fillEarlier(); // first: until then the end is nearer than it will be
  left = null;
  if (list()) watch();
}

// What is below the list is out of sight while the list goes on by itself: it would only be moved.
function watch() {
  rest();
  const more = tail().querySelector("[data-load-more]");
  if (!more || nByItself >= BY_ITSELF) return;
  near.observe(more);
  document.documentElement.classList.add("is-going-on");
}

function rest() {
  near.disconnect();
  document.documentElement.classList.remove("is-going-on");
}

async function loadMore({ asked = false } = {}) {
  const more = tail()?.querySelector("[data-load-more]");
  if (!more || underWay) return;
  underWay = true;
  nByItself = asked ? 0 : nByItself + 1;
  const here = list();
  const url = withPicture(more.dataset.next);
  try {
    const page = await pageAt(url);
    if (!here.isConnected) return; // the visitor went on
    const added = cardsOf(page);
    here.append(...added);
    const end = page.querySelector("[data-tail]");
    if (end) tail().replaceWith(document.adoptNode(end));
    else more.remove();
    history.replaceState(history.state, "", url);
    const shown = tail().querySelector("[data-shown]");
    if (shown) announce(shown.textContent);
    if (asked) added[0]?.querySelector("a").focus({ preventScroll: true });
    document.dispatchEvent(new Event("shopsearch:added"));
    watch();
  } catch {
    rest();
    show("unreachable", () => loadMore({ asked }));
  } finally {
    underWay = false;
  }
}

async function fillEarlier() {
  const here = list();
  const reached = Number(tail().dataset.page);
  const first = Math.max(1, reached - EARLIER);
  const before = Array.from({ length: reached - first }, (_, n) => first + n);
  if (!before.length) return;
  try {
    const pages = await Promise.all(before.map((n) => pageAt(ofPage(n))));
    if (!here.isConnected) return;
    const height = here.scrollHeight;
    here.prepend(...pages.flatMap(cardsOf));
    const above = here.scrollHeight - height;
    const top = left ?? history.state?.scroll ?? window.scrollY + above;
    window.scrollTo({ top, behavior: "instant" });
    document.documentElement.classList.toggle("is-endless", first === 1); // else pages lead there
    document.dispatchEvent(new Event("shopsearch:added"));
  } catch {
    // the page at hand is there, and its links lead to those before
    document.documentElement.classList.remove("is-endless");
  }
}

// Not in the history: browsers do not take it there any more while a page is left.
function keepPlace() {
  if (!isEndless() || !list()) return;
  store("sessionStorage", PLACE, [location.href, window.scrollY]);
}

function placeLeft() {
  const place = stored("sessionStorage", PLACE);
  const [loaded] = performance.getEntriesByType("navigation");
  return place?.[0] === location.href && loaded?.type !== "navigate" ? place[1] : null;
}

// Each page is a search of its own in the log: clicks name it. What moved to a later page in the
// meantime is shown once.
function cardsOf(page) {
  const { queryId } = page.querySelector("main").dataset;
  const known = new Set([...list().querySelectorAll(".card")].map((card) => card.dataset.productId));
  return [...page.querySelectorAll("[data-hits] > li")]
    .filter((entry) => !known.has(entry.querySelector(".card").dataset.productId))
    .map((entry) => {
      if (queryId) entry.dataset.queryId = queryId;
      return document.adoptNode(entry);
    });
}

function ofPage(n) {
  const url = new URL(location.href);
  url.searchParams.set("page", n);
  return url;
}

function withPicture(address) {
  const url = new URL(address, location.href);
  url.hash = location.hash;
  return url;
}

function list() {
  return document.querySelector("[data-hits]");
}

function tail() {
  return document.querySelector("[data-tail]");
}

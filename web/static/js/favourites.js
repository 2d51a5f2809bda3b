// Hearts, the page of favourites, and the shelves of what was looked at and of what fits.

import { asksNotToBeFollowed, clear, drop, keep, kept } from "./kept.js";
import { announce } from "./notices.js";

const ADDRESS_CHARS = 2400; // of one request, and one id more: servers refuse lines beyond 4094
const CARDS = 50; // as /cards has it
const EXAMPLES = 50; // as /for-you has it

let filled = null;

export function keepFavourites() {
  if (asksNotToBeFollowed()) clear("seen"); // what was kept before the visitor asked
  document.addEventListener("click", onClick);
  document.addEventListener("shopsearch:arrived", arrived);
  window.addEventListener("storage", press); // another window of this browser
}

// Once for each <main>: a section that is swapped, or a second word of the same page, brings hearts.
function arrived() {
  press();
  if (filled === document.querySelector("main")) return;
  filled = document.querySelector("main");
  fillShelves();
  const product = document.querySelector("main").dataset.product;
  if (product) keep("seen", product);
}

// Hearts are as they are kept.
function press() {
  const favourites = new Set(kept("favourites"));
  document.querySelectorAll("[data-heart]").forEach((heart) => {
    heart.setAttribute("aria-pressed", favourites.has(heart.dataset.heart));
  });
  document.querySelectorAll("[data-favourites-count]").forEach((count) => {
    count.textContent = favourites.size || "";
  });
}

function onClick(event) {
  const heart = event.target.closest("[data-heart]");
  const clearing = event.target.closest("[data-clear-kept]");
  if (heart) {
    const isPressed = heart.getAttribute("aria-pressed") === "true";
    (isPressed ? drop : keep)("favourites", heart.dataset.heart);
    press();
  } else if (clearing) {
    clear(clearing.dataset.clearKept);
    press();
    fillShelves();
    announce(clearing.dataset.said);
    document.getElementById("main").focus({ preventScroll: true }); // the button is gone
  }
}

function fillShelves() {
  const isFitted = !asksNotToBeFollowed();
  const seen = kept("seen");
  const classes = document.documentElement.classList;
  classes.toggle("keeps-seen", seen.length > 0);
  classes.toggle("keeps-some", isFitted && seen.length + kept("favourites").length > 0);
  document.querySelectorAll("[data-kept]").forEach((place) => {
    if (place.dataset.kept === "favourites") fillPage(place);
    else if (place.dataset.kept === "for-you") fillForYou(place, seen, isFitted);
    else fill(place, cards(seen.filter((id) => id !== place.dataset.but)), "shelf");
  });
}

async function fillPage(place) {
  const ids = kept("favourites");
  const clearing = document.querySelector('[data-clear-kept="favourites"]');
  place.querySelector("[data-kept-none]").hidden = ids.length > 0;
  place.querySelector("[data-kept-some]").hidden = !ids.length;
  clearing.hidden = !ids.length;
  const shown = await fill(place, cards(ids));
  if (shown === null) return;
  place.querySelector("[data-kept-missing]").hidden = shown >= ids.length;
}

function fillForYou(place, seen, isFitted) {
  const favourites = kept("favourites").slice(0, EXAMPLES);
  if (!isFitted || !(favourites.length + seen.length)) {
    place.hidden = true;
    return;
  }
  const ids = [...favourites.map((id) => ["like", id]), ...seen.map((id) => ["seen", id])];
  fill(place, ask("/for-you", { method: "POST", body: new URLSearchParams(ids) }).then((one) => [one]));
}

// How many cards came; null where they did not come. A place without cards is not shown.
async function fill(place, coming, look = null) {
  const within = place.querySelector("[data-kept-cards]");
  try {
    const lists = (await coming).filter(Boolean);
    if (look) lists.forEach((list) => (list.className = look));
    within.replaceChildren(...lists);
    place.hidden = place.dataset.kept !== "favourites" && !lists.length;
    press();
    return within.querySelectorAll(".card").length;
  } catch {
    place.hidden = place.dataset.kept !== "favourites"; // a shelf less is no fault of the page
    return null;
  }
}

// The lists of cards of some products: as many requests as their ids need.
function cards(ids) {
  const addresses = [];
  let query = new URLSearchParams();
  for (const id of ids) {
    query.append("id", id);
    if (query.size < CARDS && query.toString().length < ADDRESS_CHARS) continue;
    addresses.push(`/cards?${query}`);
    query = new URLSearchParams();
  }
  if (query.size) addresses.push(`/cards?${query}`);
  return Promise.all(addresses.map((address) => ask(address)));
}

async function ask(address, options) {
  const response = await fetch(address, options);
  if (!response.ok) throw new TypeError(`${address} answered ${response.status}`);
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  const list = page.querySelector("ol");
  return list && document.adoptNode(list);
}

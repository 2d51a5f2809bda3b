// The tray of products to compare. It belongs to the tab; the page that compares has an address.

import { announce, show } from "./notices.js";
import { store, stored } from "./storage.js";

const KEY = "shopsearch.compare";
const MAX = 4;

export function compareProducts() {
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-compare]");
    const removal = event.target.closest("[data-tray-remove]");
    const onPage = event.target.closest("[data-uncompare]");
    if (button) toggle(button.dataset);
    else if (removal) takeOut(removal);
    else if (onPage) write(read().filter((one) => one.id !== onPage.dataset.uncompare));
    else if (event.target.closest("[data-tray-clear]")) clear();
  });
  document.addEventListener("shopsearch:arrived", draw);
  document.addEventListener("shopsearch:added", draw);
  window.addEventListener("pageshow", draw); // Back may bring a page that was drawn before
}

function toggle({ productId, title, thumb }) {
  const chosen = read();
  const others = chosen.filter((one) => one.id !== productId);
  if (others.length < chosen.length) {
    change(others, "removed", { title });
  } else if (chosen.length === MAX) {
    show("compare-full");
  } else {
    const number = chosen.length + 1;
    change([...chosen, { id: productId, title, thumb }], "added", { title, number, most: MAX });
  }
}

// The focus goes to the next entry, or to the results when the tray goes away.
function takeOut(removal) {
  const id = removal.dataset.trayRemove;
  const chosen = read();
  const place = chosen.findIndex((one) => one.id === id);
  change(chosen.filter((one) => one.id !== id), "removed", chosen[place]);
  const left = document.querySelectorAll("[data-tray-remove]");
  (left[Math.min(place, left.length - 1)] ?? document.querySelector("main")).focus({ preventScroll: true });
}

function clear() {
  change([], "cleared", {});
  document.querySelector("main").focus({ preventScroll: true });
}

function change(chosen, what, values) {
  write(chosen);
  draw();
  announce(filled(tray().dataset[what], values));
}

function draw() {
  const chosen = read();
  const ids = new Set(chosen.map((one) => one.id));
  document.querySelectorAll("[data-compare]").forEach((button) => {
    button.setAttribute("aria-pressed", ids.has(button.dataset.productId));
  });
  tray().hidden = !chosen.length || Boolean(document.querySelector("[data-comparing]"));
  tray().querySelector("[data-tray-list]").replaceChildren(...chosen.map(entry));
  const named = new URLSearchParams(chosen.map((one) => ["id", one.id]));
  tray().querySelector("[data-tray-go]").href = `/compare?${named}`;
}

function entry({ id, title, thumb }) {
  const template = document.querySelector('template[data-template="tray-entry"]');
  const made = template.content.firstElementChild.cloneNode(true);
  made.querySelector(".tray__link").href = `/products?${new URLSearchParams({ id })}`;
  made.querySelector(".tray__title").textContent = title;
  if (thumb) {
    const image = new Image(48, 48);
    image.alt = "";
    image.src = thumb;
    made.querySelector(".tray__picture").replaceChildren(image);
  }
  const removal = made.querySelector("[data-tray-remove]");
  removal.dataset.trayRemove = id;
  removal.setAttribute("aria-label", filled(removal.getAttribute("aria-label"), { title }));
  return made;
}

function tray() {
  return document.querySelector("[data-tray]");
}

function filled(words, values) {
  return words.replace(/\{(\w+)\}/g, (_, name) => values[name]);
}

function read() {
  const kept = stored("sessionStorage", KEY);
  const isEntry = (one) => typeof one?.id === "string" && /^(\/media\/|$)/.test(one.thumb);
  return Array.isArray(kept) ? kept.filter(isEntry).slice(0, MAX) : [];
}

function write(chosen) {
  store("sessionStorage", KEY, chosen);
}

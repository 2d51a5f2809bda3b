// The search box: a combobox with a list of suggestions, as the ARIA Authoring Practices have it
// ("editable combobox with list autocomplete"). The focus stays in the box all the time.

import { announce } from "./notices.js";
import { forget, forgetAll, recentSearches, remember } from "./recent.js";
import { groupsOf } from "./suggest_options.js";
import { beginningOf, isWorthAsking, known, suggestionsFor } from "./suggest_source.js";
import { visit } from "./visit.js";

const PAUSE_MS = 80; // between two keys of somebody who types quickly
const BACK_TO_THE_BOX = new Set(["Home", "End", "ArrowLeft", "ArrowRight"]);

let box, list;
let options = [];
let active = -1; // the option that the arrows have led to; -1 is the box itself
let waiting = 0;
let underWay = null;

export function suggestWords() {
  box = document.querySelector("#q");
  list = document.querySelector("#suggestions");
  const role = { role: "combobox", "aria-autocomplete": "list", "aria-expanded": "false", "aria-controls": list.id };
  for (const [name, value] of Object.entries(role)) box.setAttribute(name, value);
  box.addEventListener("input", ask);
  box.addEventListener("focus", openWhereEmpty);
  box.addEventListener("click", openWhereEmpty);
  box.addEventListener("blur", close);
  box.addEventListener("keydown", useKeys);
  box.form.addEventListener("submit", () => {
    remember(box.value);
    close();
  });
  document.querySelector("[data-clear]").addEventListener("click", clear);
  list.addEventListener("mousedown", (event) => event.preventDefault()); // the box keeps the focus
  list.addEventListener("click", useClick);
  list.addEventListener("pointermove", (event) => {
    if (event.pointerType === "mouse") activate(options.indexOf(event.target.closest("[role=option]")), false);
  });
}

function openWhereEmpty() {
  if (!box.value.trim() && !isOpen()) show("", null);
}

function ask() {
  stopAsking();
  const beginning = beginningOf(box.value);
  activate(-1);
  if (!isWorthAsking(beginning)) return show(beginning, null);
  if (known(beginning)) return show(beginning, known(beginning));
  waiting = setTimeout(() => askShop(beginning), PAUSE_MS);
}

async function askShop(beginning) {
  const request = (underWay = new AbortController());
  try {
    const found = await suggestionsFor(beginning, request.signal);
    if (request === underWay) show(beginning, found);
  } catch (error) {
    if (error.name !== "AbortError" && request === underWay) show(beginning, null); // what is kept here
  }
}

function stopAsking() {
  clearTimeout(waiting);
  underWay?.abort();
  underWay = null;
}

function show(beginning, found) {
  if (document.activeElement !== box) return;
  const chosen = options[active]?.dataset;
  list.replaceChildren(...groupsOf(beginning.trimEnd(), found, recentSearches()));
  options = [...list.querySelectorAll("[role=option]")];
  options.forEach((option, place) => (option.id = `suggestion-${place}`));
  if (!chosen) list.scrollTop = 0;
  activate(chosen ? options.findIndex(({ dataset }) => isSame(dataset, chosen)) : -1);
  setOpen(options.length > 0);
  if (options.length) sayHowMany();
  else if (beginning && found) announce(list.dataset.none);
}

function isSame(one, other) {
  return one.kind === other.kind && one.value === other.value && one.href === other.href;
}

function sayHowMany() {
  const said = [list.dataset.count.replace("{}", options.length)];
  if (list.querySelector('[data-kind="recent"]')) said.push(list.dataset.how);
  announce(said.join(". "));
}

function close() {
  stopAsking();
  activate(-1);
  setOpen(false);
}

function clear() {
  box.value = "";
  box.focus();
  ask();
}

function setOpen(isWanted) {
  list.hidden = !isWanted;
  box.setAttribute("aria-expanded", String(isWanted));
  if (!isWanted) return;
  const view = window.visualViewport; // what the keyboard of a phone leaves
  const top = box.form.parentElement.getBoundingClientRect().bottom - (view?.offsetTop ?? 0);
  list.style.setProperty("--suggest-room", `${Math.round((view?.height ?? innerHeight) - top)}px`);
}

function isOpen() {
  return !list.hidden;
}

function activate(place, isInView = true) {
  options[active]?.setAttribute("aria-selected", "false");
  active = place in options ? place : -1;
  const option = options[active];
  option?.setAttribute("aria-selected", "true");
  if (option && isInView) option.scrollIntoView({ block: "nearest" });
  if (option) box.setAttribute("aria-activedescendant", option.id);
  else box.removeAttribute("aria-activedescendant");
}

function useKeys(event) {
  if (event.isComposing) return; // the keys belong to an input method
  if (event.key === "ArrowDown" || event.key === "ArrowUp") useArrow(event);
  else if (event.key === "Escape") escape(event);
  else if (event.key === "Tab") close();
  else if (active < 0) return;
  else if (event.key === "Enter") take(event, options[active]);
  else if (event.key === "Delete" && event.shiftKey) forgetOne(event, options[active]);
  else if (BACK_TO_THE_BOX.has(event.key)) activate(-1);
}

function useArrow(event) {
  event.preventDefault();
  if (event.altKey && event.key === "ArrowUp") return close();
  if (!isOpen()) return ask();
  if (event.altKey) return;
  const last = options.length - 1;
  const next = event.key === "ArrowDown" ? active + 1 : (active < 0 ? last : active - 1);
  activate(next > last ? 0 : next < 0 ? last : next);
}

// The first time it closes the list, the second time it clears the box.
function escape(event) {
  if (!isOpen() && !box.value) return;
  event.preventDefault();
  if (isOpen()) close();
  else box.value = "";
}

function useClick(event) {
  const option = event.target.closest("[role=option]");
  if (!option) return;
  if (event.target.closest("[data-forget]")) forgetOne(event, option);
  else take(event, option);
}

function take(event, option) {
  event.preventDefault();
  const { kind, value, href } = option.dataset;
  if (kind === "forget-all") {
    forgetAll();
    ask();
  } else if (kind === "product") {
    location.assign(href);
  } else if (href) {
    close();
    box.value = "";
    visit(href);
  } else {
    box.value = value;
    box.form.requestSubmit();
  }
}

function forgetOne(event, option) {
  if (option.dataset.kind !== "recent") return;
  event.preventDefault();
  const place = event.type === "keydown" ? active : -1;
  forget(option.dataset.value);
  ask();
  activate(Math.min(place, options.length - 1));
}

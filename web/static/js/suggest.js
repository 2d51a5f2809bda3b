// Suggestions while words are typed: an editable combobox with a list, after WAI-ARIA's pattern. The
// focus stays in the box; the list says by `aria-activedescendant` which of its options is meant.

import { forget, forgetAll, recentSearches } from "./recent.js";
import { suggestionsFor } from "./suggestions.js";
import { visit } from "./visit.js";

const WAIT_MS = 80; // between two keys of somebody who types quickly

const box = document.querySelector("#q");
const panel = document.querySelector("[data-suggest]");
const list = document.querySelector("#suggestions");
const count = document.querySelector("[data-suggest-count]");
const shape = document.querySelector('template[data-template="suggestion"]');

let active = null;
let timer = 0;
let turn = 0; // an answer to what was typed before the last key comes too late

export function suggestWhileTyping() {
  box.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(offer, WAIT_MS);
  });
  box.addEventListener("keydown", steer);
  box.addEventListener("focus", () => box.value || offer());
  box.addEventListener("click", () => panel.hidden && offer());
  box.addEventListener("blur", close);
  panel.addEventListener("mousedown", (event) => event.preventDefault()); // the focus stays
  panel.addEventListener("click", point);
  document.addEventListener("shopsearch:arrived", close);
  box.form.addEventListener("submit", close);
}

async function offer() {
  const mine = ++turn;
  const typed = box.value.trim();
  const groups = { recent: recentOf(typed), ...(typed ? await suggestionsFor(typed) : {}) };
  if (mine === turn && document.activeElement === box) show(groups, typed);
}

function recentOf(typed) {
  const begun = typed.toLowerCase();
  const kept = recentSearches().filter((words) => words.toLowerCase().startsWith(begun) && words !== typed);
  return kept.slice(0, typed ? 3 : 8).map((words) => ({ words, search: words }));
}

function show(groups, typed) {
  const shown = Object.entries(groups).filter(([, options]) => options.length);
  const known = new Set();
  list.replaceChildren(...shown.map(([kind, options]) => group(kind, options, typed, known)));
  panel.hidden = !known.size;
  panel.querySelector("[data-forget-all]").hidden = !groups.recent.length;
  box.setAttribute("aria-expanded", String(known.size > 0));
  activate(null);
  count.textContent = known.size ? count.dataset.words.replace("{}", known.size) : "";
}

function group(kind, options, typed, known) {
  const place = list.dataset;
  const element = document.createElement("ul");
  element.setAttribute("role", "group");
  element.setAttribute("aria-label", place[`${kind}Label`]);
  element.className = `suggest__group suggest__group--${kind}`;
  for (const option of options) {
    const same = option.search?.toLowerCase();
    if (same && known.has(same)) continue;
    known.add(same ?? option.href);
    element.append(line(kind, option, typed, known.size));
  }
  return element;
}

function line(kind, option, typed, number) {
  const element = shape.content.querySelector(`[data-kind="${kind}"]`).cloneNode(true);
  element.id = `suggestion-${number}`;
  Object.assign(element.dataset, { search: option.search ?? "", href: option.href ?? "" });
  const words = element.querySelector("[data-words]");
  const begun = option.words.toLowerCase().startsWith(typed.toLowerCase()) ? typed.length : 0;
  const typedPart = document.createElement("span");
  typedPart.className = "suggest__typed";
  typedPart.textContent = option.words.slice(0, begun);
  words.append(typedPart, option.words.slice(begun));
  if (option.note) element.querySelector("[data-note]").textContent = option.note;
  if (option.image) element.querySelector("img").src = option.image;
  return element;
}

function steer(event) {
  if (event.isComposing) return; // an input method uses the same keys
  const open = !panel.hidden;
  if (event.key === "ArrowDown" || event.key === "ArrowUp") {
    event.preventDefault();
    if (open) step(event.key === "ArrowDown" ? 1 : -1);
    else offer();
  } else if (event.key === "Escape" && open) {
    event.preventDefault(); // a second one empties the box
    close();
  } else if (event.key === "Enter" && open && active) {
    event.preventDefault();
    choose(active);
  } else if (event.key === "Delete" && open && active?.dataset.kind === "recent") {
    event.preventDefault();
    forget(active.dataset.search);
    offer();
  }
}

// Beyond either end is the box itself, then the other end.
function step(by) {
  const options = [null, ...list.querySelectorAll('[role="option"]')];
  const at = (options.indexOf(active) + by + options.length) % options.length;
  activate(options[at]);
}

function activate(option) {
  active?.setAttribute("aria-selected", "false");
  active = option;
  if (option) {
    option.setAttribute("aria-selected", "true");
    option.scrollIntoView({ block: "nearest" });
    box.setAttribute("aria-activedescendant", option.id);
  } else box.removeAttribute("aria-activedescendant");
}

function point(event) {
  const option = event.target.closest('[role="option"]');
  if (event.target.closest("[data-forget-all]")) {
    forgetAll();
    offer();
  } else if (event.target.closest("[data-forget]")) {
    forget(option.dataset.search);
    offer();
  } else if (option) choose(option);
}

function choose(option) {
  const { search, href } = option.dataset;
  close();
  if (search) {
    box.value = search;
    box.form.requestSubmit();
  } else if (href.startsWith("/search")) visit(href, { focus: "main" });
  else location.assign(href);
}

function close() {
  clearTimeout(timer);
  turn += 1;
  panel.hidden = true;
  box.setAttribute("aria-expanded", "false");
  activate(null);
  count.textContent = "";
}

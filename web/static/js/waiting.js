// What is seen while a page is on its way: nothing at all where it is quick; then the results dim
// where they are about to be refined, and a sketch of results stands in where something else comes.

import { announce } from "./notices.js";

const SLOW_MS = 150;
const VERY_SLOW_MS = 4000;

let timers = [];
let left = null; // the <main> whose place the sketch has taken

/** Begin to wait. `isRefined`: the page on show stays the one that is being worked on. */
export function wait({ isRefined }) {
  timers.forEach(clearTimeout);
  document.documentElement.classList.add("is-busy");
  timers = [setTimeout(isRefined ? dim : sketch, SLOW_MS), setTimeout(tell, VERY_SLOW_MS)];
}

/** The wait is over. `restore`: nothing came, so what was there comes back. */
export function stopWaiting({ restore = false } = {}) {
  timers.forEach(clearTimeout);
  document.documentElement.classList.remove("is-busy");
  const main = document.querySelector("main");
  main.removeAttribute("aria-busy");
  if (restore && left) main.replaceWith(left);
  left = null;
}

export function isWaiting() {
  return document.documentElement.classList.contains("is-busy");
}

function dim() {
  document.querySelector("main").setAttribute("aria-busy", "true");
}

function sketch() {
  if (left) return;
  left = document.querySelector("main");
  const template = document.querySelector('template[data-template="loading"]');
  const standIn = template.content.firstElementChild.cloneNode(true);
  const hadFocus = left.contains(document.activeElement);
  left.replaceWith(standIn);
  window.scrollTo({ top: 0, behavior: "instant" });
  if (hadFocus) standIn.focus({ preventScroll: true });
}

function tell() {
  announce(document.querySelector('template[data-template="loading"]').dataset.words);
  document.querySelector("[data-late]")?.classList.add("is-late");
}

// What is seen while a page is on its way: nothing where it is quick (to draw takes time from the page
// that is about to come); then a bar that runs; then the results dim where they are about to be
// refined, and a sketch of results stands in where something else comes.

import { announce } from "./notices.js";

const NOTICED_MS = 150;
const SLOW_MS = 300;
const VERY_SLOW_MS = 4000;

let isUnderWay = false;
let timers = [];
let left = null; // the <main> whose place the sketch has taken

/** Begin to wait. `isRefined`: the page on show stays the one that is being worked on. */
export function wait({ isRefined }) {
  timers.forEach(clearTimeout);
  isUnderWay = true;
  const steps = [[run, NOTICED_MS], [isRefined ? dim : sketch, SLOW_MS], [tell, VERY_SLOW_MS]];
  timers = steps.map((step) => setTimeout(...step));
}

/** The wait is over. `restore`: nothing came, so what was there comes back. */
export function stopWaiting({ restore = false } = {}) {
  timers.forEach(clearTimeout);
  isUnderWay = false;
  document.documentElement.classList.remove("is-busy");
  const main = document.querySelector("main");
  main.removeAttribute("aria-busy");
  if (restore && left) main.replaceWith(left);
  left = null;
}

export function isWaiting() {
  return isUnderWay;
}

function run() {
  document.documentElement.classList.add("is-busy");
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

// Where a visitor was on each page of the history. Pages are swapped in after Back has been pressed,
// when the browser's own memory of it is of no use any more.

import { isWaiting } from "./waiting.js";

const REST_MS = 120; // browsers do not let the history be written at every pixel

let resting = 0;

export function keepPlaces() {
  history.scrollRestoration = "manual";
  window.addEventListener("scroll", () => {
    clearTimeout(resting);
    if (!isWaiting()) resting = setTimeout(notePlace, REST_MS);
  }, { passive: true });
  window.addEventListener("pagehide", notePlace);
  if (history.state?.scroll) goTo(history.state.scroll); // reloaded, or come back to
}

/** Make an address a new entry of the history, or the one at hand where it is there already. */
export function enter(url) {
  if (url.href === location.href) history.replaceState({}, "");
  else history.pushState({}, "", url);
}

/** Note where on the page the visitor is. */
export function notePlace() {
  clearTimeout(resting);
  const scroll = Math.round(window.scrollY);
  if (isWaiting() || scroll === (history.state?.scroll ?? 0)) return;
  history.replaceState({ ...history.state, scroll }, "");
}

export function goTo(scroll) {
  window.scrollTo({ top: scroll, behavior: "instant" });
}

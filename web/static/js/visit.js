// Going to another address of this site without leaving the page: its <main> is fetched and swapped
// in. The address holds everything that was asked, so back, forward, reload and sharing work.

import { finish, inParts, isUnfinished, painted, partsOf, takePlace } from "./in_parts.js";
import { announce, dismiss, show } from "./notices.js";
import { tellFailure, watchOutages } from "./outages.js";
import { preview } from "./picture_preview.js";
import { hasPicture, pictureOf } from "./pictures.js";
import { enter, goTo, keepPlaces, notePlace } from "./places.js";
import { stopWaiting, wait } from "./waiting.js";

const PATIENCE_MS = 30_000; // the shop itself gives up after ten seconds; a picture has to get there

let underWay = null;
let shown = new URL(location.href);

/**
 * Show what is at an address. Whatever was on its way is overtaken, and never shown.
 * `push`: make it a new entry of the history. `focus`: the id of what takes the focus, "main" for the
 * beginning of the results, null to leave it where it is. `scroll`: where the window is to be.
 * `whole`: show nothing of the results before all of them are there.
 */
export async function visit(address, how = {}) {
  const { push = true, focus = null, scroll = 0, whole = scroll > 0 } = how;
  const url = new URL(address, location.href);
  underWay?.abort();
  const thisVisit = (underWay = new AbortController());
  const { signal } = thisVisit;
  const late = () => thisVisit.abort(new DOMException("no answer in time", "TimeoutError"));
  const patience = setTimeout(late, PATIENCE_MS);
  const typed = document.querySelector("#q").value;
  if (push) notePlace();
  dismiss();
  wait({ isRefined: isWorkedOn(focus) });
  try {
    const picture = await pictureOf(url);
    const parts = partsOf(await ask(url, picture, signal, inParts()));
    const page = (await parts.next()).value;
    signal.throwIfAborted();
    const main = page.querySelector("main");
    if (!main) throw new TypeError("the answer is no page of this shop");
    if (isUnfinished(main) && (whole || isUsed())) finish(main, await second(parts, signal));
    if (push) enter(url);
    shown = url;
    stopWaiting();
    swap(page, typed);
    settle(focus, scroll);
    if (isUnfinished(main)) {
      await painted();
      finish(document.querySelector("main"), await second(parts, signal));
    }
    document.title = page.querySelector("title").textContent;
    announce(document.querySelector("main").dataset.announce ?? document.title);
    await preview(picture);
    if (picture?.gone) show("picture-gone");
    document.dispatchEvent(new Event("shopsearch:arrived"));
  } catch (error) {
    if (error.name === "AbortError") return;
    stopWaiting({ restore: true });
    tellFailure(error, () => visit(url, how));
  } finally {
    clearTimeout(patience);
  }
}

async function second(parts, signal) {
  const rest = await parts.next();
  signal.throwIfAborted();
  return rest.value;
}

/** The page at an address, as a document; asked for with the picture of this tab that it names. */
export async function pageAt(url, signal) {
  const response = await ask(url, await pictureOf(url), signal);
  return new DOMParser().parseFromString(await response.text(), "text/html");
}

/** Take up the address that the page was loaded with, and the ones that Back leads to. */
export function arrive() {
  keepPlaces();
  watchOutages();
  document.addEventListener("click", stayOrRetry);
  window.addEventListener("popstate", (event) => {
    const url = new URL(location.href);
    const isSame = url.href.split("#")[0] === shown.href.split("#")[0];
    if (isSame && !hasPicture(url) && !hasPicture(shown)) return; // a place on the page at hand
    visit(url, { push: false, scroll: event.state?.scroll ?? 0 });
  });
  if (hasPicture(shown)) visit(shown, { push: false, scroll: history.state?.scroll ?? 0 });
  else document.dispatchEvent(new Event("shopsearch:arrived"));
}

// Whoever uses a part of the results keeps it, and where they are; a dialog over them too.
function isWorkedOn(focus) {
  const used = document.activeElement;
  return Boolean(document.querySelector("dialog[open]") || (focus !== "main" && used?.closest("main")));
}

// Whoever uses a part of the results, filters aside, finds it again in the new ones at once.
function isUsed() {
  return document.activeElement.closest("main, [data-facets]")?.matches("main");
}

// The hash of an address names a picture, so links to a place on the page leave it alone.
function stayOrRetry(event) {
  const link = event.target.closest?.('a[href^="#"], a[data-retry-after]');
  if (!link || event.defaultPrevented) return;
  event.preventDefault();
  if (!("retryAfter" in link.dataset)) document.querySelector(link.hash)?.focus();
  else if (link.ariaDisabled !== "true") visit(location.href, { push: false, focus: "main" });
}

async function ask(url, picture, signal, headers = {}) {
  const response = await answer(url, picture, { signal, headers });
  if (response.headers.get("Content-Type")?.startsWith("text/html")) return response;
  throw new TypeError(`${url.pathname} answered with something else than a page`);
}

function answer(url, picture, how) {
  if (!picture || picture.gone) return fetch(url, how);
  const body = new FormData();
  url.searchParams.forEach((value, name) => body.append(name, value));
  if (picture.blob) body.append("image", picture.blob, "picture");
  else body.append("image_url", picture.address);
  return fetch(url.pathname, { method: "POST", body, ...how });
}

// A page of a problem knows nothing of the search that failed, and whoever has typed on meanwhile
// wants those words: both times the box keeps what it holds.
function swap(page, typed) {
  const main = page.querySelector("main");
  takePlace(main);
  if ("problem" in main.dataset) return;
  const carried = page.querySelector("[data-carried]");
  document.querySelector("[data-carried]").replaceWith(carried);
  const box = document.querySelector("#q");
  if (box.value === typed) box.value = page.querySelector("#q").value;
}

function settle(focus, scroll) {
  goTo(scroll);
  if (focus) document.getElementById(focus)?.focus({ preventScroll: true });
}

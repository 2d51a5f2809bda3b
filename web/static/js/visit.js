// Going to another address of this site without leaving the page: its <main> is fetched and swapped
// in. The address holds everything that was asked, so back, forward, reload and sharing work.

import { hasPicture, pictureOf } from "./pictures.js";
import { dismiss, show } from "./notices.js";

let underWay = null;

/**
 * Show what is at an address.
 * `push`: make it a new entry of the history. `focus`: the id of what takes the focus, "main" for the
 * beginning of the results, null to leave it where it is.
 */
export async function visit(address, { push = true, focus = null, scroll = 0 } = {}) {
  const url = new URL(address, location.href);
  underWay?.abort();
  const thisVisit = (underWay = new AbortController());
  dismiss();
  document.documentElement.classList.add("is-busy");
  try {
    const picture = await pictureOf(url);
    const page = await fetchPage(url, picture, thisVisit.signal);
    if (push) pushEntry(url);
    swap(page);
    await preview(picture);
    if (picture?.gone) show("picture-gone");
    settle(focus, scroll);
    document.dispatchEvent(new Event("shopsearch:arrived"));
  } catch (error) {
    if (error.name !== "AbortError") show("unreachable", () => visit(url, { push, focus, scroll }));
  } finally {
    if (underWay === thisVisit) document.documentElement.classList.remove("is-busy");
  }
}

/** Take up the address that the page was loaded with, and the ones that Back leads to. */
export function arrive() {
  window.addEventListener("popstate", (event) =>
    visit(location.href, { push: false, scroll: event.state?.scroll ?? 0 }),
  );
  if (hasPicture(new URL(location.href))) visit(location.href, { push: false });
}

/** The page at an address, as a document; a picture that it is asked for with is sent along. */
export async function fetchPage(url, picture, signal) {
  const response = await ask(url, picture, signal);
  if (!response.headers.get("Content-Type")?.startsWith("text/html")) {
    throw new TypeError(`${url.pathname} answered with something else than a page`);
  }
  return new DOMParser().parseFromString(await response.text(), "text/html");
}

function ask(url, picture, signal) {
  if (!picture || picture.gone) return fetch(url, { signal });
  const body = new FormData();
  url.searchParams.forEach((value, name) => body.append(name, value));
  if (picture.blob) body.append("image", picture.blob, "picture");
  else body.append("image_url", picture.address);
  return fetch(url.pathname, { method: "POST", body, signal });
}

function pushEntry(url) {
  history.replaceState({ ...history.state, scroll: window.scrollY }, "");
  history.pushState({}, "", url);
}

function swap(page) {
  document.querySelector("main").replaceWith(document.adoptNode(page.querySelector("main")));
  document.title = page.title;
  const carried = page.querySelector("[data-carried]");
  document.querySelector("[data-carried]").replaceWith(document.adoptNode(carried));
  document.querySelector("#q").value = page.querySelector("#q").value;
  // an empty text first: a screen reader keeps quiet about one that did not change
  const announcer = document.querySelector("[data-announcer]");
  const words = document.querySelector("main").dataset.announce ?? page.title;
  announcer.textContent = "";
  requestAnimationFrame(() => (announcer.textContent = words));
}

async function preview(picture) {
  const place = document.querySelector("[data-picture-preview]");
  if (!place || !picture || picture.gone) return;
  if (!picture.blob) return; // pictures of other sites are not shown here
  const image = new Image(56, 56);
  image.alt = "";
  image.src = URL.createObjectURL(picture.blob);
  try {
    await image.decode();
    place.replaceChildren(image);
  } catch {
    // the browser does not know the format; the sign of a picture stays
  } finally {
    URL.revokeObjectURL(image.src);
  }
}

function settle(focus, scroll) {
  window.scrollTo({ top: scroll, behavior: "instant" });
  if (focus) document.getElementById(focus)?.focus({ preventScroll: true });
}

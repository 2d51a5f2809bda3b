// Forms and links that ask for results: all of them become visits.

import { visit } from "./visit.js";

const REST_MS = 250; // a key that is held changes the slider many times

let resting = 0;
let balance = null; // a page that arrives meanwhile does not take the slider back

export function askInPlace() {
  document.addEventListener("click", followLink);
  document.addEventListener("submit", submit);
  document.addEventListener("change", ({ target }) => {
    if (target.matches("[data-at-once]")) target.form.requestSubmit();
    if (!target.matches("#balance")) return;
    balance = target.value;
    clearTimeout(resting);
    resting = setTimeout(weigh, REST_MS);
  });
  document.addEventListener("input", ({ target }) => {
    if (target.matches("#balance")) sayWeight(target);
  });
}

function followLink(event) {
  const link = event.target.closest("a[data-visit]");
  if (!link || !isPlain(event) || event.defaultPrevented) return;
  event.preventDefault();
  const url = new URL(link.href);
  if ("keepPicture" in link.dataset) url.hash = location.hash;
  visit(url, { focus: "main" });
}

/** Whether a click is one that opens no other tab or window. */
export function isPlain(event) {
  return event.button === 0 && !(event.ctrlKey || event.metaKey || event.shiftKey || event.altKey);
}

function submit(event) {
  const form = event.target;
  const back = form.querySelector("[data-here]"); // the language form leads back to where it was sent
  if (back) back.value = location.pathname + location.search + location.hash;
  if (form.id === "search") {
    event.preventDefault();
    searchByWords(form);
  } else if (form.matches("[data-refine]")) {
    event.preventDefault();
    visit(addressOf(form, event.submitter), { focus: focusAfter(event.submitter) });
  }
}

function searchByWords(form) {
  const words = form.elements.q;
  const url = addressOf(form);
  if (!url.search && !url.hash) {
    words.focus();
    return;
  }
  if (matchMedia("(pointer: coarse)").matches) words.blur(); // lets the keyboard of a phone go
  visit(url);
}

/** What a form asks for, as an address; a picture that is being searched by stays. */
export function addressOf(form, submitter = null) {
  const url = new URL(form.getAttribute("action"), location.href);
  for (const [name, value] of new FormData(form, submitter)) {
    if (value && name !== "image_url" && name !== "also_image_url") url.searchParams.append(name, value);
  }
  url.hash = location.pathname === "/search" ? location.hash : "";
  return url;
}

// Turning a page leads to its beginning; a slider or a choice keeps the focus.
function focusAfter(submitter) {
  return submitter ? "main" : document.activeElement?.id || null;
}

// How much words count beside a picture or a product, once the slider rests.
function weigh() {
  const slider = document.querySelector("#balance");
  if (!slider) return;
  slider.value = balance;
  sayWeight(slider);
  slider.form.requestSubmit();
}

function sayWeight(slider) {
  const percent = Math.round(slider.value * 100);
  const shown = slider.form.querySelector("output");
  slider.setAttribute("aria-valuetext", slider.dataset.valuetext.replace("{}", percent));
  shown.value = shown.dataset.value.replace("{}", percent);
}

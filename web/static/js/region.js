// Marks the part of a picture that is searched by. The box is drawn, dragged, moved by the arrow
// keys, or one of those that the shop proposes; each change is an address of its own.

import { cutOut, loaded, sourceOf } from "./picture_preview.js";
import { pictureOf } from "./pictures.js";
import { WHOLE, around, boxOf, isAlike, isWhole, scaled, written } from "./region_box.js";
import { useKeys, usePointer } from "./region_hands.js";
import { proposalsFor } from "./region_proposals.js";
import { visit } from "./visit.js";

const REST_MS = 450; // after which a key that is held is let go, it seems
const PART_PX = 56;

let section = null; // on the page; stays the same one while the picture does
let key = ""; // which picture it shows
let box = WHOLE;
let isHeld = false;
let focused = null;
let resting = 0;

export function markRegions() {
  new MutationObserver(takeUp).observe(document.body, { childList: true, subtree: true });
  document.addEventListener("focusin", (event) => {
    focused = section?.contains(event.target) ? event.target : null;
  });
  document.addEventListener("click", choose);
  const hands = { current: () => box, change, hold: (held) => (isHeld = held), search };
  usePointer(hands);
  useKeys({ ...hands, search: () => searchSoon() });
  takeUp();
}

// Runs as soon as a page was swapped in, before it is painted: what is worked on stays in place.
function takeUp() {
  const arrived = document.querySelector("main [data-region]");
  if (!arrived || arrived === section) return;
  if (section && key === location.hash) {
    arrived.replaceWith(section);
    if (focused && document.activeElement === document.body) focused.focus({ preventScroll: true });
  } else {
    section = arrived;
    key = location.hash;
    fill(section);
  }
  if (!isHeld) change(boxOf(location));
}

async function fill(place) {
  const picture = await pictureOf(new URL(location.href));
  const source = sourceOf(picture);
  const image = source && (await loaded(source));
  if (place !== section) return;
  if (!image) {
    find("none").hidden = !picture || Boolean(picture.gone);
    return;
  }
  find("picture").src = source;
  const stage = find("stage");
  stage.style.setProperty("--ratio", image.naturalWidth / image.naturalHeight);
  stage.hidden = false;
  const proposals = await proposalsFor(picture, source);
  if (place === section) proposals.forEach((one, index) => propose(image, one, index + 1));
  change(box);
}

// A part to press below the picture, and a spot on it for pointers alone.
function propose(image, proposed, number) {
  const parts = find("parts");
  const part = button("region__part", proposed);
  part.append(cutOut(image, proposed, PART_PX));
  part.setAttribute("aria-label", parts.dataset.part.replace("{}", number));
  const entry = document.createElement("li");
  entry.append(part);
  parts.append(entry);
  const spot = button("region__spot", proposed);
  spot.tabIndex = -1;
  spot.style.left = percent(proposed.x + proposed.width / 2);
  spot.style.top = percent(proposed.y + proposed.height / 2);
  find("spots").append(spot);
}

function button(name, proposed) {
  const made = document.createElement("button");
  made.type = "button";
  made.className = name;
  made.dataset.crop = written(proposed);
  return made;
}

function choose(event) {
  const pressed = event.target.closest?.("[data-region] button");
  if (!pressed) return;
  if ("regionWhole" in pressed.dataset) change(WHOLE);
  else if (pressed.dataset.crop) change(boxOf({ search: `?crop=${pressed.dataset.crop}` }));
  else if (pressed.dataset.regionScale) change(rescaled(Number(pressed.dataset.regionScale)));
  else return;
  search();
}

function rescaled(times) {
  if (!isWhole(box)) return scaled(box, times);
  return times < 1 ? around(0.5, 0.5, times, times) : box;
}

// The box as it is now: on the picture, among the parts, and in words.
function change(wanted) {
  box = wanted;
  for (const place of [find("box"), find("hole")]) {
    place.style.left = percent(box.x); // of a picture, whose left is left in every language
    place.style.top = percent(box.y);
    place.style.width = percent(box.width);
    place.style.height = percent(box.height);
  }
  section.classList.toggle("region--whole", isWhole(box));
  find("whole").setAttribute("aria-pressed", String(isWhole(box)));
  for (const part of section.querySelectorAll("[data-crop]")) {
    const proposed = boxOf({ search: `?crop=${part.dataset.crop}` });
    part.setAttribute("aria-pressed", String(isAlike(proposed, box)));
  }
}

function searchSoon() {
  clearTimeout(resting);
  resting = setTimeout(search, REST_MS);
}

function search() {
  clearTimeout(resting);
  say();
  const url = new URL(location.href);
  url.searchParams.delete("crop");
  url.searchParams.delete("page");
  const crop = written(box);
  if (crop) url.searchParams.append("crop", crop);
  if (url.href === location.href) return;
  // whoever works on the picture stays there: without the focus a sketch would take its place
  if (!section.contains(document.activeElement)) {
    section.querySelector('[data-region-part="move"]').focus({ preventScroll: true });
  }
  visit(url, { scroll: window.scrollY });
}

function say() {
  const { said, saidWhole } = section.dataset;
  const told = Object.entries(box).reduce((text, [side, part]) => {
    return text.replace(`{${side}}`, Math.round(part * 100));
  }, said);
  find("said").textContent = isWhole(box) ? saidWhole : told;
}

function find(name) {
  return section.querySelector(`[data-region-${name}]`);
}

function percent(part) {
  return `${(part * 100).toFixed(2)}%`;
}

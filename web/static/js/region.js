// Searching by a part of one's picture: the picture with a box on it, and parts that are proposed.

import { pictureOf } from "./pictures.js";
import { fitted, steerBox } from "./region_box.js";
import { visit } from "./visit.js";

const PROPOSED = "/api/v1/regions";
const THUMBNAIL_PX = 72;
const FIRST = { x: 0.15, y: 0.15, width: 0.7, height: 0.7 };

let shown = null; // the picture at hand: {blob, url, width, height, proposals}
let isOpen = false;

export function markRegions() {
  document.addEventListener("shopsearch:arrived", prepare);
  document.addEventListener("toggle", opened, { capture: true });
  document.addEventListener("click", choose);
  prepare();
}

async function prepare() {
  const panel = document.querySelector("[data-region]");
  if (!panel) {
    isOpen = false;
    return;
  }
  const picture = await pictureOf(new URL(location.href));
  if (!picture?.blob) return; // the page says why there is nothing to mark
  if (shown?.blob !== picture.blob && !(await take(picture.blob))) return;
  panel.hidden = false;
  panel.open = isOpen || Boolean(cropOf());
  if (panel.open) show(panel);
}

// Its size is known before it is shown, so that nothing jumps.
async function take(blob) {
  try {
    const bitmap = await createImageBitmap(blob);
    if (shown) URL.revokeObjectURL(shown.url);
    shown = { blob, url: URL.createObjectURL(blob), width: bitmap.width, height: bitmap.height, bitmap };
    return true;
  } catch {
    return false; // the server knows more formats than the browser
  }
}

function opened(event) {
  if (!event.target.matches?.("[data-region]")) return;
  isOpen = event.target.open;
  if (isOpen) show(event.target);
}

function show(panel) {
  const stage = panel.querySelector("[data-region-stage]");
  if (!stage.hidden) return;
  const image = stage.querySelector("img");
  Object.assign(image, { width: shown.width, height: shown.height, src: shown.url });
  stage.hidden = false;
  steerBox(stage, cropOf() ?? FIRST, search);
  propose(panel);
}

async function propose(panel) {
  shown.proposals ??= asked(shown.blob);
  const regions = await shown.proposals;
  const list = panel.querySelector("[data-proposals]");
  const shape = panel.querySelector("template").content.firstElementChild;
  const marked = cropOf();
  list.querySelectorAll("[data-proposal]").forEach((old) => old.closest("li").remove());
  regions.forEach((region, number) => {
    const line = shape.cloneNode(true);
    const button = line.querySelector("button");
    button.dataset.proposal = written(region);
    button.id = `region-${number + 1}`;
    button.setAttribute("aria-label", button.getAttribute("aria-label").replace("{}", number + 1));
    button.setAttribute("aria-pressed", String(Boolean(marked) && written(marked) === written(region)));
    drawPart(line.querySelector("canvas"), region);
    list.append(line);
  });
}

async function asked(blob) {
  const body = new FormData();
  body.append("image", blob, "picture");
  try {
    const response = await fetch(PROPOSED, { method: "POST", body });
    return response.ok ? (await response.json()).regions.map(fitted) : [];
  } catch {
    return []; // the box works without proposals
  }
}

function drawPart(canvas, { x, y, width, height }) {
  const [w, h] = [width * shown.width, height * shown.height];
  const scale = THUMBNAIL_PX / Math.max(w, h);
  const [across, down] = [w * scale, h * scale];
  const [left, top] = [(THUMBNAIL_PX - across) / 2, (THUMBNAIL_PX - down) / 2];
  canvas.getContext("2d").drawImage(shown.bitmap, x * shown.width, y * shown.height, w, h, left, top, across, down);
}

function choose(event) {
  const button = event.target.closest("[data-proposal], [data-whole]");
  if (!button?.closest("[data-region]")) return;
  if ("whole" in button.dataset) search(null, button.id);
  else search(regionOf(button.dataset.proposal), button.id);
}

function search(region, focus = "region-box") {
  const url = new URL(location.href);
  url.searchParams.delete("page");
  if (region) url.searchParams.set("crop", written(region));
  else url.searchParams.delete("crop");
  isOpen = true;
  visit(url, { scroll: window.scrollY }).then(() => requestAnimationFrame(() => focusSoon(focus)));
}

// The panel of the new page is filled a moment after it has come.
function focusSoon(id, tries = 20) {
  const place = document.getElementById(id);
  if (place?.checkVisibility()) place.focus({ preventScroll: true });
  else if (tries) setTimeout(focusSoon, 25, id, tries - 1);
}

function cropOf() {
  return regionOf(new URLSearchParams(location.search).get("crop"));
}

function regionOf(text) {
  const [x, y, width, height] = (text ?? "").split(",").map(Number);
  return height > 0 && width > 0 ? fitted({ x, y, width, height }) : null;
}

function written({ x, y, width, height }) {
  return [x, y, width, height].map((part) => Number(part.toFixed(3))).join(",");
}

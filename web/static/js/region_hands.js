// How the box on a picture is taken hold of: by a mouse, a pen or a finger, and by the arrow keys.

import { WHOLE, around, between, isWhole, moved, resized } from "./region_box.js";

const STEP = 0.04;
const SMALL_STEP = 0.01;
const TAP_PX = 6; // a finger that moved less has tapped
const TAPPED = 0.45; // of either side of the picture: what a tap marks
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

/**
 * Drag corners, move the box, draw another by a mouse or a pen, or tap what is meant.
 * `hands`: `current()` box, `change(box)`, `hold(isHeld)`, and `search()` once it is let go.
 */
export function usePointer(hands) {
  let grip = null;
  document.addEventListener("pointerdown", (event) => {
    const stage = event.target.closest?.("[data-region-stage]");
    if (!stage || event.button !== 0 || !event.isPrimary || event.target.matches("[data-crop]")) return;
    grip = gripOf(event, stage, hands.current());
    hands.hold(true);
    if (event.pointerType !== "touch") event.preventDefault(); // no text is selected on the way
  });
  document.addEventListener("pointermove", (event) => {
    if (!grip || !event.isPrimary) return;
    grip.hasMoved ||= Math.hypot(event.clientX - grip.clientX, event.clientY - grip.clientY) > TAP_PX;
    if (grip.hasMoved) hands.change(dragged(grip, pointOn(grip.stage, event)));
  });
  const letGo = (event) => {
    if (!grip || !event.isPrimary) return;
    const { before, hasMoved, part, start } = grip;
    grip = null;
    hands.hold(false);
    if (event.type === "pointercancel") hands.change(before); // the page is scrolled instead
    else if (!hasMoved && part === "draw") hands.change(around(start.x, start.y, TAPPED, TAPPED));
    else if (!hasMoved) return;
    if (event.type !== "pointercancel") hands.search();
  };
  document.addEventListener("pointerup", letGo);
  document.addEventListener("pointercancel", letGo);
}

/** Move the box or a corner of it by the arrow keys; with Shift by small steps. */
export function useKeys(hands) {
  document.addEventListener("keydown", (event) => {
    const part = event.target.closest?.("[data-region-part]")?.dataset.regionPart;
    const arrow = ARROWS[event.key];
    if (!part || !arrow || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    const step = event.shiftKey ? SMALL_STEP : STEP;
    const [right, down] = arrow.map((way) => way * step);
    const box = hands.current();
    hands.change(part === "move" ? moved(box, right, down) : resized(box, part, right, down));
    hands.search();
  });
}

// All of the picture cannot be moved, so a press on it begins another box.
function gripOf(event, stage, before) {
  const held = event.target.closest("[data-region-part]")?.dataset.regionPart;
  const part = !held || (held === "move" && isWhole(before)) ? "draw" : held;
  const { clientX, clientY, pointerType } = event;
  return { stage, before, part, clientX, clientY, pointerType, start: pointOn(stage, event), hasMoved: false };
}

function dragged({ before, part, pointerType, start }, point) {
  const [right, down] = [point.x - start.x, point.y - start.y];
  if (part === "draw") return pointerType === "touch" ? before : between(start, point);
  return part === "move" ? moved(before, right, down) : resized(before, part, right, down);
}

function pointOn(stage, event) {
  const { left, top, width, height } = stage.getBoundingClientRect();
  const within = (part) => Math.min(Math.max(part, 0), WHOLE.width);
  return { x: within((event.clientX - left) / width), y: within((event.clientY - top) / height) };
}

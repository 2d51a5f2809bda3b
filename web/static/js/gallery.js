// The pictures of a product: small ones jump to theirs, and a dialog shows one closer. It is moved by
// scrolling, so wheel, finger and arrow keys work by themselves; a mouse may drag it too.

import { isPlain } from "./ask.js";

document.addEventListener("click", onClick);
document.addEventListener("scroll", markShown, { capture: true, passive: true });
document.addEventListener("pointerdown", drag);
document.addEventListener("keydown", (event) => {
  const dialog = event.target.closest?.("[data-zoom-dialog]");
  if (dialog && event.key === "+") closer(dialog, true);
  if (dialog && event.key === "-") closer(dialog, false);
});

function onClick(event) {
  const pressed = event.target.closest("[data-jump], [data-zoom], [data-turn], [data-closer], [data-close]");
  const dialog = document.querySelector("[data-zoom-dialog]");
  if (!pressed || !isPlain(event) || !dialog) {
    if (event.target === dialog) dialog.close(); // beside it
    return;
  }
  const { jump, zoom, turn, closer: size, close } = pressed.dataset;
  if (jump) jumpTo(Number(jump), event);
  else if (zoom) open(dialog, Number(zoom), event);
  else if (turn) show(dialog, shownIn(dialog) + Number(turn));
  else if (size !== undefined) closer(dialog, pressed.getAttribute("aria-pressed") !== "true");
  else if (close !== undefined) dialog.close();
}

function jumpTo(place, event) {
  event.preventDefault(); // a jump within the page would be a visit
  const strip = document.querySelector("[data-gallery]");
  strip.children[place].scrollIntoView({ block: "nearest", inline: "start" });
}

function open(dialog, place, event) {
  event.preventDefault();
  show(dialog, place);
  dialog.showModal();
}

function show(dialog, place) {
  const pictures = [...dialog.querySelectorAll(".zoom__picture")];
  const wanted = (place + pictures.length) % pictures.length;
  pictures.forEach((picture, at) => (picture.hidden = at !== wanted));
  const number = dialog.querySelector("[data-zoom-number]");
  if (number) number.textContent = wanted + 1;
  closer(dialog, false);
}

function shownIn(dialog) {
  return [...dialog.querySelectorAll(".zoom__picture")].findIndex((picture) => !picture.hidden);
}

function closer(dialog, isCloser) {
  const stage = dialog.querySelector("[data-zoom-stage]");
  dialog.querySelector("[data-closer]").setAttribute("aria-pressed", isCloser);
  stage.classList.toggle("zoom__stage--closer", isCloser);
  stage.scrollTo((stage.scrollWidth - stage.clientWidth) / 2, (stage.scrollHeight - stage.clientHeight) / 2);
}

// A press that does not move is a click on the picture: closer, or back.
function drag(event) {
  const stage = event.target.closest?.("[data-zoom-stage]");
  if (!stage || event.pointerType !== "mouse" || event.button !== 0) return;
  const from = { x: event.clientX, y: event.clientY, left: stage.scrollLeft, top: stage.scrollTop };
  if (event.clientX - stage.getBoundingClientRect().left > stage.clientWidth) return; // the scroll bar
  event.preventDefault();
  stage.focus({ preventScroll: true });
  stage.setPointerCapture(event.pointerId);
  let moved = 0;
  const move = (to) => {
    moved = Math.max(moved, Math.abs(to.clientX - from.x) + Math.abs(to.clientY - from.y));
    stage.scrollTo(from.left + from.x - to.clientX, from.top + from.y - to.clientY);
  };
  stage.addEventListener("pointermove", move);
  stage.addEventListener(
    "lostpointercapture",
    () => {
      stage.removeEventListener("pointermove", move);
      if (moved < 4) closer(stage.closest("dialog"), !stage.classList.contains("zoom__stage--closer"));
    },
    { once: true },
  );
}

function markShown(event) {
  const strip = event.target;
  if (!strip.matches?.("[data-gallery]")) return;
  const place = Math.round(Math.abs(strip.scrollLeft) / strip.clientWidth); // negative from right to left
  document.querySelectorAll("[data-jump]").forEach((jump, at) => {
    if (at === place) jump.setAttribute("aria-current", "true");
    else jump.removeAttribute("aria-current");
  });
}

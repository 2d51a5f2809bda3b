// The box that marks a region of a picture: dragged, or moved and resized by keys. All numbers are
// parts of the picture, 0 to 1.

const LEAST = 0.06;
const STEP = 0.02;
const KEYS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

/** Keep a region inside the picture, and large enough to see something. */
export function fitted({ x, y, width, height }) {
  const w = Math.min(1, Math.max(LEAST, width));
  const h = Math.min(1, Math.max(LEAST, height));
  return { x: Math.min(1 - w, Math.max(0, x)), y: Math.min(1 - h, Math.max(0, y)), width: w, height: h };
}

/**
 * Let a visitor change the box of a stage. `region` is where it begins; `changed` is called with each
 * new one as it is released.
 */
export function steerBox(stage, region, changed) {
  const box = stage.querySelector("[data-box]");
  let now = region;
  let begun = null;
  place();

  function place() {
    for (const [name, value] of Object.entries({ left: now.x, top: now.y, width: now.width, height: now.height })) {
      box.style.setProperty(name, `${100 * value}%`);
    }
  }

  stage.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    event.preventDefault();
    stage.setPointerCapture(event.pointerId);
    const corner = event.target.closest("[data-corner]")?.dataset.corner;
    const inside = event.target.closest("[data-box]");
    begun = { at: pointOf(event), from: now, corner, inside, moved: false };
    box.focus({ preventScroll: true });
  });
  stage.addEventListener("pointermove", (event) => {
    if (!begun) return;
    const at = pointOf(event);
    const by = { x: at.x - begun.at.x, y: at.y - begun.at.y };
    if (!begun.moved && Math.hypot(by.x, by.y) < 0.01) return; // a tap that trembles
    begun.moved = true;
    now = fitted(dragged(begun, by, at));
    place();
  });
  stage.addEventListener("pointerup", (event) => {
    if (!begun) return;
    // without a drag the box comes to where was pressed: nobody has to drag
    if (!begun.moved && !begun.inside) {
      const at = pointOf(event);
      now = fitted({ ...now, x: at.x - now.width / 2, y: at.y - now.height / 2 });
    }
    const isNew = now !== begun.from;
    begun = null;
    place();
    if (isNew) changed(now);
  });
  stage.addEventListener("pointercancel", () => {
    now = begun?.from ?? now;
    begun = null;
    place();
  });

  let timer = 0;
  box.addEventListener("keydown", (event) => {
    const direction = KEYS[event.key];
    if (!direction) return;
    event.preventDefault();
    const [x, y] = direction.map((one) => one * STEP);
    now = fitted(
      event.shiftKey
        ? { ...now, width: Math.min(now.width + x, 1 - now.x), height: Math.min(now.height + y, 1 - now.y) }
        : { ...now, x: now.x + x, y: now.y + y },
    );
    place();
    clearTimeout(timer);
    timer = setTimeout(() => changed(now), 450); // when the key rests
  });

  function pointOf(event) {
    const { left, top, width, height } = stage.getBoundingClientRect();
    return { x: (event.clientX - left) / width, y: (event.clientY - top) / height };
  }
}

// Beside the box a drag draws a new one, on a corner it resizes, inside it moves.
function dragged({ from, corner, inside, at: start }, by, at) {
  if (!inside) return between(start, at);
  if (!corner) return { ...from, x: from.x + by.x, y: from.y + by.y };
  const right = from.x + from.width;
  const bottom = from.y + from.height;
  const fixed = { x: corner.includes("w") ? right : from.x, y: corner.includes("n") ? bottom : from.y };
  return between(fixed, at);
}

function between(one, other) {
  const [left, right] = [one.x, other.x].map((x) => Math.min(1, Math.max(0, x))).sort((a, b) => a - b);
  const [top, bottom] = [one.y, other.y].map((y) => Math.min(1, Math.max(0, y))).sort((a, b) => a - b);
  return { x: left, y: top, width: right - left, height: bottom - top };
}

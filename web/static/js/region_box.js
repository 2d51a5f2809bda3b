// A region of a picture: x, y, width and height in parts of it. Plain arithmetic.

export const WHOLE = Object.freeze({ x: 0, y: 0, width: 1, height: 1 });
const LEAST = 0.08; // of either side: less shows nothing to search by
const DIGITS = 4;

/** The region that an address asks for; all of the picture where it asks for none. */
export function boxOf(place) {
  const sides = (new URLSearchParams(place.search).get("crop") ?? "").split(",").map(Number);
  if (sides.length !== 4 || !sides.every((side) => side >= 0 && side <= 1)) return WHOLE;
  const [x, y, width, height] = sides;
  return width && height ? { x, y, width: Math.min(width, 1 - x), height: Math.min(height, 1 - y) } : WHOLE;
}

/** A region as an address has it; null for all of the picture, which needs no word. */
export function written(box) {
  if (isWhole(box)) return null;
  return [box.x, box.y, box.width, box.height].map((side) => Number(side.toFixed(DIGITS))).join(",");
}

export function isWhole(box) {
  return box.width > 0.995 && box.height > 0.995;
}

export function moved(box, right, down) {
  return { ...box, x: clamp(box.x + right, 0, 1 - box.width), y: clamp(box.y + down, 0, 1 - box.height) };
}

/** The region with one of its corners moved: "nw", "ne", "se" or "sw". */
export function resized(box, corner, right, down) {
  let [left, top, end, bottom] = [box.x, box.y, box.x + box.width, box.y + box.height];
  if (corner.includes("w")) left = clamp(left + right, 0, end - LEAST);
  else end = clamp(end + right, left + LEAST, 1);
  if (corner.includes("n")) top = clamp(top + down, 0, bottom - LEAST);
  else bottom = clamp(bottom + down, top + LEAST, 1);
  return { x: left, y: top, width: end - left, height: bottom - top };
}

/** The region as many times as large, around its middle. */
export function scaled(box, times) {
  return around(box.x + box.width / 2, box.y + box.height / 2, box.width * times, box.height * times);
}

/** A region of a size around a point, moved into the picture where it would reach beyond. */
export function around(x, y, wide, high) {
  const [width, height] = [clamp(wide, LEAST, 1), clamp(high, LEAST, 1)];
  return { x: clamp(x - width / 2, 0, 1 - width), y: clamp(y - height / 2, 0, 1 - height), width, height };
}

/** The region between two opposite corners. */
export function between(one, other) {
  const [x, y] = [Math.min(one.x, other.x), Math.min(one.y, other.y)];
  const width = Math.max(Math.abs(one.x - other.x), LEAST);
  const height = Math.max(Math.abs(one.y - other.y), LEAST);
  return { x: Math.min(x, 1 - width), y: Math.min(y, 1 - height), width, height };
}

export function isAlike(one, other) {
  return ["x", "y", "width", "height"].every((side) => Math.abs(one[side] - other[side]) < 0.005);
}

function clamp(value, least, most) {
  return Math.min(Math.max(value, least), Math.max(least, most));
}

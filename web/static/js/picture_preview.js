// The visitor's picture, shown back: all of it, or the part that is searched by.

import { boxOf, isWhole } from "./region_box.js";

const CHIP_PX = 56;
const LOADED_WITHIN_MS = 10_000;

let last = { blob: null, url: null };

/** Show the picture of a search, or the part of it that the address asks for, in its chip. */
export async function preview(picture) {
  const place = document.querySelector("[data-picture-preview]");
  const source = sourceOf(picture);
  if (!place || !source) return; // of other sites the page has what the shop sent along
  const image = await loaded(source);
  if (!image) return; // the browser does not know the format; the sign of a picture stays
  const box = boxOf(location);
  image.alt = "";
  place.replaceChildren(isWhole(box) ? image : cutOut(image, box, CHIP_PX));
}

/** Where a picture can be shown from; null where it cannot. */
export function sourceOf(picture) {
  if (picture?.address) return document.querySelector("[data-region-picture]")?.getAttribute("src");
  if (!picture?.blob) return null;
  if (last.blob !== picture.blob) {
    const { url } = last;
    if (url) setTimeout(() => URL.revokeObjectURL(url), LOADED_WITHIN_MS); // somebody may be loading it
    last = { blob: picture.blob, url: URL.createObjectURL(picture.blob) };
  }
  return last.url;
}

/** The picture of a source, ready to be drawn; null where the browser cannot read it. */
export async function loaded(source) {
  const image = new Image();
  image.src = source;
  try {
    await image.decode();
    return image;
  } catch {
    return null;
  }
}

/** A part of a picture as a canvas whose longest side is so many pixels, drawn twice as fine. */
export function cutOut(image, box, sidePx) {
  const [left, top] = [box.x * image.naturalWidth, box.y * image.naturalHeight];
  const [width, height] = [box.width * image.naturalWidth, box.height * image.naturalHeight];
  const scale = (2 * sidePx) / Math.max(width, height);
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(width * scale));
  canvas.height = Math.max(1, Math.round(height * scale));
  canvas.getContext("2d").drawImage(image, left, top, width, height, 0, 0, canvas.width, canvas.height);
  return canvas;
}

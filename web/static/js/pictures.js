// The picture of a search. It stays in this tab: an address names it by a key that means something
// here alone, or, for a picture from the web, by its own address.

import { store, stored } from "./storage.js";

const KEY = "picture";
const ADDRESS = "picture-address";
const PREFIX = "shopsearch.picture.";
const MAX_KEPT = 8;
const SMALL_BYTES = 300_000; // smaller files travel as they are
const MAX_SIDE_PX = 1024; // the search looks at half of that

const inMemory = new Map();

/** The picture that an address asks for: {blob}, {address}, {gone: true}, or null for none. */
export async function pictureOf(url) {
  const named = new URLSearchParams(url.hash.slice(1));
  const address = named.get(ADDRESS);
  if (address) return { address };
  const key = named.get(KEY);
  if (!key) return null;
  if (inMemory.has(key)) return { blob: inMemory.get(key) };
  const data = stored("sessionStorage", PREFIX + key);
  return data ? { blob: blobOf(data) } : { gone: true };
}

/** A picture file, kept from now on: the hash of an address that asks for it, and what travels. */
export async function keep(file) {
  const blob = await shrunk(file);
  const key = Math.random().toString(36).slice(2, 10);
  inMemory.set(key, blob);
  write(key, await dataUrl(blob));
  return { hash: `#${new URLSearchParams({ [KEY]: key })}`, blob };
}

/** The hash of an address that asks for a picture from the web. */
export function hashOfAddress(address) {
  return `#${new URLSearchParams({ [ADDRESS]: address })}`;
}

export function hasPicture(url) {
  const named = new URLSearchParams(url.hash.slice(1));
  return named.has(KEY) || named.has(ADDRESS);
}

// A phone's photo has ten times the pixels that the search looks at. What the browser cannot
// decode goes as it is: the server knows more formats, and says so where it does not.
async function shrunk(file) {
  if (file.size <= SMALL_BYTES) return file;
  let bitmap;
  try {
    bitmap = await createImageBitmap(file);
  } catch {
    return file;
  }
  const scale = Math.min(1, MAX_SIDE_PX / Math.max(bitmap.width, bitmap.height));
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(bitmap.width * scale));
  canvas.height = Math.max(1, Math.round(bitmap.height * scale));
  const pen = canvas.getContext("2d");
  pen.fillStyle = "#fff";
  pen.fillRect(0, 0, canvas.width, canvas.height);
  pen.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  bitmap.close();
  const blob = await new Promise((done) => canvas.toBlob(done, "image/jpeg", 0.9));
  return blob && blob.size < file.size ? blob : file;
}

function dataUrl(blob) {
  return new Promise((done, fail) => {
    const reader = new FileReader();
    reader.onload = () => done(reader.result);
    reader.onerror = () => fail(reader.error);
    reader.readAsDataURL(blob);
  });
}

// Not by fetch(): the page's policy lets it connect to the shop alone.
export function blobOf(url) {
  const [head, content] = url.split(",");
  const bytes = Uint8Array.from(atob(content), (letter) => letter.charCodeAt(0));
  return new Blob([bytes], { type: head.slice("data:".length).split(";")[0] });
}

// The store is small and may be off; what does not fit is forgotten when the tab is left.
function write(key, value) {
  try {
    const kept = Object.keys(sessionStorage).filter((name) => name.startsWith(PREFIX));
    kept.slice(0, Math.max(0, kept.length - MAX_KEPT + 1)).forEach((name) => sessionStorage.removeItem(name));
    store("sessionStorage", PREFIX + key, value);
  } catch {
    // see above
  }
}

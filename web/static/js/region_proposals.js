// Asks the shop where the things in a picture are. Once for each picture: it does not change.

import { blobOf } from "./pictures.js";

const ADDRESS = "/api/v1/regions";
const NEARLY_ALL = 0.85; // of the picture: no part to choose any more
const MAX_KNOWN = 8;

const known = new Map();

/** The regions of a picture that may hold one thing each, best first; none where nobody can say. */
export async function proposalsFor(picture, source) {
  if (!known.has(source)) {
    if (known.size >= MAX_KNOWN) known.delete(known.keys().next().value);
    // one from another site came small with the page: it need not be fetched again
    known.set(source, await asked(picture.blob ?? blobOf(source)));
  }
  return known.get(source);
}

async function asked(blob) {
  const body = new FormData();
  body.append("image", blob, "picture");
  try {
    const response = await fetch(ADDRESS, { method: "POST", body });
    if (!response.ok) return [];
    const { regions } = await response.json();
    return regions.filter((region) => region.width * region.height < NEARLY_ALL);
  } catch {
    return []; // the picture can be marked by hand all the same
  }
}

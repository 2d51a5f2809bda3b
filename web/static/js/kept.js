// What this browser keeps of a visitor: favourites, and the products looked at last. It leaves the
// browser only as ids, to ask for cards, and nothing of it is in a cookie.

import { store, stored } from "./storage.js";

const PREFIX = "shopsearch.";
const MOST = { favourites: 100, seen: 24 };

/** The ids that are kept under a name, "favourites" or "seen", the latest first. */
export function kept(name) {
  if (name === "seen" && asksNotToBeFollowed()) return [];
  const ids = stored("localStorage", PREFIX + name);
  return Array.isArray(ids) ? ids.filter((id) => typeof id === "string" && id).slice(0, MOST[name]) : [];
}

/** Put an id in front; whether it could be kept. */
export function keep(name, id) {
  if (name === "seen" && asksNotToBeFollowed()) return false;
  return write(name, [id, ...kept(name).filter((other) => other !== id)].slice(0, MOST[name]));
}

/** Take an id out. */
export function drop(name, id) {
  return write(name, kept(name).filter((other) => other !== id));
}

/** Keep nothing under a name. */
export function clear(name) {
  store("localStorage", PREFIX + name, null);
}

/** Whether the browser says so: then no history is kept, and nothing is fitted to it. */
export function asksNotToBeFollowed() {
  return Boolean(navigator.globalPrivacyControl) || navigator.doNotTrack === "1";
}

function write(name, ids) {
  return store("localStorage", PREFIX + name, ids);
}

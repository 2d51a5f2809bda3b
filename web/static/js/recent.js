// What was searched for lately, kept in this browser alone: it is never sent anywhere.

import { store, stored } from "./storage.js";

const KEY = "shopsearch.recent";
const MAX_KEPT = 8;
const MAX_CHARS = 120; // longer ones are no searches to come back to

/** The words of recent searches, the latest first. */
export function recentSearches() {
  const kept = stored("localStorage", KEY);
  return Array.isArray(kept) ? kept.filter((one) => typeof one === "string").slice(0, MAX_KEPT) : [];
}

export function remember(words) {
  const said = words.trim().replace(/\s+/g, " ");
  if (said && said.length <= MAX_CHARS) write([said, ...others(said)].slice(0, MAX_KEPT));
}

export function forget(words) {
  write(others(words));
}

export function forgetAll() {
  write([]);
}

function others(words) {
  return recentSearches().filter((one) => folded(one) !== folded(words));
}

function folded(words) {
  return words.toLocaleLowerCase();
}

function write(searches) {
  store("localStorage", KEY, searches.length ? searches : null);
}

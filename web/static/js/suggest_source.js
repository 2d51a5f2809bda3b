// Asks the shop what the beginning of a search may become, and remembers what it said.

const ADDRESS = "/api/v1/suggest";
const SIZE = 6; // of each kind
const MAX_CHARS = 200; // as the shop has it
const MAX_KEPT = 100;
const QUIET_S = 30; // where the shop does not want to be asked and does not say for how long

const kept = new Map(); // by what was typed
let quietUntil = 0;

/** What was typed, as far as it makes a difference: the end of a word is one. */
export function beginningOf(typed) {
  return typed.trimStart().replace(/\s+/g, " ");
}

/** What the shop has said already, or null. */
export function known(beginning) {
  return kept.get(beginning) ?? null;
}

export function isWorthAsking(beginning) {
  return beginning !== "" && beginning.length <= MAX_CHARS && performance.now() >= quietUntil;
}

/** Raises what `fetch` raises; an answer of another kind than suggestions is null. */
export async function suggestionsFor(beginning, signal) {
  const response = await fetch(`${ADDRESS}?${new URLSearchParams({ q: beginning, size: SIZE })}`, { signal });
  if (!response.ok) {
    const seconds = Number(response.headers.get("Retry-After")) || QUIET_S;
    quietUntil = performance.now() + seconds * 1000;
    return null;
  }
  const found = await response.json();
  kept.set(beginning, found);
  if (kept.size > MAX_KEPT) kept.delete(kept.keys().next().value);
  return found;
}

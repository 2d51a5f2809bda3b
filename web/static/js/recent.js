// What was searched for last, in this browser alone: it is never sent anywhere.

const KEY = "shopsearch.recent";
const MAX_KEPT = 8;

/** The last searches by words, the newest first. */
export function recentSearches() {
  try {
    const kept = JSON.parse(localStorage.getItem(KEY) ?? "[]");
    return Array.isArray(kept) ? kept.filter((words) => typeof words === "string").slice(0, MAX_KEPT) : [];
  } catch {
    return []; // storage can be switched off, or hold what others have written
  }
}

export function forget(words) {
  write(recentSearches().filter((one) => one !== words));
}

export function forgetAll() {
  write([]);
}

/** Keep the words of each page of results that is arrived at. */
export function keepSearches() {
  document.addEventListener("shopsearch:arrived", remember);
  remember();
}

function remember() {
  const words = location.pathname === "/search" && new URLSearchParams(location.search).get("q")?.trim();
  if (!words || !document.querySelector("main .toolbar__count")) return; // what found nothing is not offered again
  const others = recentSearches().filter((one) => one.toLowerCase() !== words.toLowerCase());
  write([words, ...others].slice(0, MAX_KEPT));
}

function write(searches) {
  try {
    if (searches.length) localStorage.setItem(KEY, JSON.stringify(searches));
    else localStorage.removeItem(KEY);
  } catch {
    // see above
  }
}

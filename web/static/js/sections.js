// A link that changes one section of the page: that section alone is fetched and swapped in, so that
// nothing else moves. Without this file it leads to the page with that section.

import { isPlain } from "./ask.js";
import { announce } from "./notices.js";
import { pageAt } from "./visit.js";

export function swapSections() {
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[data-swap]");
    if (!link || !isPlain(event) || event.defaultPrevented) return;
    event.preventDefault();
    swap(link.dataset.swap, link.href, link.textContent);
  });
}

async function swap(id, address, words) {
  const busy = document.documentElement.classList;
  busy.add("is-busy");
  try {
    const section = (await pageAt(new URL(address))).getElementById(id);
    if (!section) throw new TypeError(`${address} has no section ${id}`);
    document.getElementById(id).replaceWith(section);
    history.replaceState(history.state, "", address.split("#")[0]);
    section.querySelector('[data-swap][aria-current="true"]')?.focus({ preventScroll: true });
    announce(words);
    document.dispatchEvent(new Event("shopsearch:arrived"));
  } catch {
    location.assign(address);
  } finally {
    busy.remove("is-busy");
  }
}

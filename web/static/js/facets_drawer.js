// On a narrow window the filters are a sheet over the results: a modal dialog, which stays open while
// the results behind it are swapped, and gets the filters of the new ones.

const WIDE = matchMedia("(min-width: 60rem)");

let drawer = null;

export function useDrawer() {
  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-open-filters]")) open();
    else if (event.target.closest("[data-close-filters]") || event.target === drawer) drawer?.close();
  });
  WIDE.addEventListener("change", () => drawer?.close());
}

export function drawerIsOpen() {
  return drawer?.open ?? false;
}

/** After a swap: an open drawer shows the filters of the new results. */
export function keepDrawer() {
  if (!drawerIsOpen()) return;
  const sheet = document.querySelector("main [data-sheet]");
  if (!sheet) return drawer.close();
  drawer.querySelector("[data-sheet]").replaceWith(sheet);
  const status = drawer.querySelector("[data-drawer-status]"); // the page's own is out of reach now
  status.textContent = "";
  requestAnimationFrame(() => (status.textContent = document.querySelector("main").dataset.announce));
}

function open() {
  drawer ??= made();
  drawer.append(document.querySelector("main [data-sheet]"));
  drawer.showModal();
  drawer.querySelector("[data-facets-list]").scrollTop = 0;
}

function made() {
  const template = document.querySelector('template[data-template="filters"]');
  const dialog = template.content.firstElementChild.cloneNode(true);
  document.body.append(dialog);
  dialog.addEventListener("close", giveBack);
  return dialog;
}

function giveBack() {
  const sheet = drawer.querySelector("[data-sheet]");
  const fold = document.querySelector("[data-facets-fold]");
  if (fold && !fold.querySelector("[data-sheet]")) fold.append(sheet);
  else sheet?.remove();
  const opener = document.querySelector("[data-open-filters]");
  (opener?.checkVisibility() ? opener : document.querySelector("main")).focus({ preventScroll: true });
}

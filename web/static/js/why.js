// "Why this?" in a dialog: the page that answers it, without what is around.

import { pageAt } from "./visit.js";

export function explainHits() {
  document.addEventListener("submit", (event) => {
    if (!event.target.matches("[data-why-form]")) return;
    event.preventDefault();
    open(event.target, event.submitter);
  });
  document.addEventListener("click", (event) => {
    if (event.target.matches("[data-why-dialog]")) event.target.close(); // what is around it
  });
  document.addEventListener("error", (event) => replaceHeat(event.target), { capture: true });
}

async function open(form, button) {
  const dialog = document.querySelector("[data-why-dialog]");
  const place = dialog.querySelector("[data-why-place]");
  const say = (what) => {
    dialog.querySelector("[data-why-wait]").hidden = what !== "wait";
    dialog.querySelector("[data-why-failed]").hidden = what !== "failed";
  };
  place.replaceChildren();
  say("wait");
  const closed = new AbortController();
  dialog.addEventListener("close", () => closed.abort(), { once: true });
  dialog.showModal();
  try {
    const page = await pageAt(addressOf(form, button), closed.signal);
    const answer = page.querySelector("[data-why]") ?? page.querySelector("main > *");
    say("nothing");
    place.replaceChildren(document.adoptNode(answer));
    dialog.scrollTop = 0;
  } catch (error) {
    if (error.name !== "AbortError") say("failed");
  }
}

// The hit may stand on a later page than the form was written for: its rank tells.
function addressOf(form, button) {
  const url = new URL("/why", location.href);
  for (const [name, value] of new FormData(form, button)) {
    if (name !== "page" && !name.endsWith("image_url")) url.searchParams.append(name, value);
  }
  const { rank } = button.closest("[data-product-id]").querySelector("[data-rank]").dataset;
  url.searchParams.set("page", Math.ceil(rank / form.dataset.size));
  url.hash = location.hash;
  return url;
}

function replaceHeat(image) {
  if (!image.matches?.("[data-heat]")) return;
  const missing = image.closest("[data-why]").querySelector("[data-heat-missing]");
  missing.hidden = false;
  image.closest("figure").remove();
}

// Every way a picture can come in: chosen, dropped, pasted, or by address.

import { hashOfAddress, keep } from "./pictures.js";
import { show } from "./notices.js";
import { visit } from "./visit.js";

const CARRIED_ON = /^(q|not|sort|diversity|size|text_weight|filter\..+|price\.(min|max))$/;

export function takePictures() {
  const form = document.querySelector("#picture-form");
  for (const file of form.querySelectorAll('input[type="file"]')) {
    file.addEventListener("change", () => {
      if (file.files.length) searchByFile(file.files[0]);
      file.value = ""; // so that the same file can be chosen again
    });
  }
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const address = form.elements.image_url;
    if (address.value) searchByAddress(address.value);
    else address.focus();
  });
  closeWhenLeft(document.querySelector("[data-lens]"));
  takeDrops();
  document.addEventListener("paste", (event) => {
    const pasted = firstPicture(event.clipboardData?.files);
    if (!pasted) return;
    event.preventDefault();
    searchByFile(pasted);
  });
}

async function searchByFile(file) {
  if (file.type && !file.type.startsWith("image/")) {
    show("no-picture");
    return;
  }
  const { hash, blob } = await keep(file);
  const limit = Number(document.querySelector("#picture-form").dataset.maxBytes);
  if (blob.size > limit) {
    show("too-large");
    return;
  }
  const arrived = searchWith(hash);
  const shown = showLookingFor(blob);
  await arrived;
  document.querySelector('[data-notice="looking"]')?.remove();
  URL.revokeObjectURL(shown);
}

// What was chosen is seen at once, while the shop looks for what is like it.
function showLookingFor(blob) {
  show("looking");
  const image = document.querySelector("[data-looking]");
  image.addEventListener("error", () => image.remove()); // the browser does not know the format
  return (image.src = URL.createObjectURL(blob));
}

function searchByAddress(address) {
  return searchWith(hashOfAddress(address));
}

// Words, filters and order of the search at hand stay; its page, and the product it was like, go.
function searchWith(hash) {
  document.querySelector("[data-lens]").open = false;
  const url = new URL("/search", location.href);
  const form = new FormData(document.querySelector("#search"));
  for (const [name, value] of form) {
    if (value && CARRIED_ON.test(name)) url.searchParams.append(name, value);
  }
  url.hash = hash;
  return visit(url, { focus: "main" });
}

function closeWhenLeft(lens) {
  const opener = lens.querySelector("summary");
  document.addEventListener("click", (event) => {
    if (!lens.contains(event.target) && !event.target.closest("label[for]")) lens.open = false;
  });
  lens.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !lens.open) return;
    lens.open = false;
    opener.focus();
  });
  lens.addEventListener("focusout", (event) => {
    if (event.relatedTarget && !lens.contains(event.relatedTarget)) lens.open = false;
  });
}

function takeDrops() {
  const veil = document.querySelector("[data-drop-veil]");
  let ours = false; // a link or picture of this very page is being dragged
  document.addEventListener("dragstart", () => (ours = true));
  document.addEventListener("dragend", () => (ours = false));
  document.addEventListener("dragover", (event) => {
    if (ours || !mayHoldPicture(event.dataTransfer)) return;
    event.preventDefault();
    event.dataTransfer.dropEffect = "copy";
    veil.hidden = false;
  });
  document.addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) veil.hidden = true;
  });
  document.addEventListener("drop", (event) => {
    veil.hidden = true;
    if (ours || !mayHoldPicture(event.dataTransfer)) return;
    event.preventDefault();
    takeDrop(event.dataTransfer);
  });
}

function mayHoldPicture(transfer) {
  return transfer.types.includes("Files") || transfer.types.includes("text/uri-list");
}

// A picture dragged from another window brings its file, or only where it is.
function takeDrop(transfer) {
  const file = firstPicture(transfer.files) ?? transfer.files[0];
  const address = pictureAddress(transfer);
  if (file) searchByFile(file);
  else if (address) searchByAddress(address);
  else show("no-picture");
}

function pictureAddress(transfer) {
  const html = new DOMParser().parseFromString(transfer.getData("text/html"), "text/html");
  const listed = transfer.getData("text/uri-list").split(/\r?\n/).find((line) => /^https?:/.test(line));
  return html.querySelector('img[src^="http"]')?.getAttribute("src") ?? listed;
}

function firstPicture(files) {
  return [...(files ?? [])].find((file) => file.type.startsWith("image/"));
}

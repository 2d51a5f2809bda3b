// Refining a search by talking: each turn becomes a visit of the search that the shop makes of it.
// The thread that led to an address stays in the tab, so back, forward and reload keep it.

import { announce, show } from "./notices.js";
import { store, stored } from "./storage.js";
import { visit } from "./visit.js";

const KEY = "shopsearch.talk";
const MAX_KEPT = 30; // addresses
const MAX_SHOWN = 100; // products that a turn may speak of
const NEW_SEARCHES = ["topic", "restart"]; // changes that leave the picture behind

let thread = []; // turns: {said, changes, reply, before}
let isOpen = false;
let isWaiting = false;
let unsaid = ""; // a reply that is to be announced with the results
let isTalking = false; // the next page was asked for by talking
let isReturning = true; // the page at hand was there before: by back, forward or reload

/** Take up turns of talk. */
export function talk() {
  document.addEventListener("submit", take, { capture: true });
  document.addEventListener("click", (event) => {
    const undo = event.target.closest?.("[data-talk-undo]");
    if (undo) goBack(Number(undo.dataset.talkUndo));
  });
  document.addEventListener("toggle", keepOpen, { capture: true });
  window.addEventListener("popstate", () => (isReturning = true));
  document.addEventListener("shopsearch:arrived", arrived);
}

function take(event) {
  if (event.target.id === "search") thread = []; // another search begins
  if (!event.target.matches("[data-talk-form]")) return;
  event.preventDefault();
  const words = (event.submitter?.value || event.target.elements["talk-say"].value).trim();
  if (words) say(words, event.target);
  else event.target.elements["talk-say"].focus();
}

async function say(words, form) {
  if (isWaiting) return;
  isWaiting = true;
  try {
    const answer = await ask(words, form);
    form.elements["talk-say"].value = "";
    follow(words, answer);
  } catch {
    show("unreachable", () => say(words, form));
  } finally {
    isWaiting = false;
  }
}

async function ask(words, form) {
  const cards = document.querySelectorAll("main .grid .card[data-product-id]");
  const body = JSON.stringify({
    say: words,
    search: JSON.parse(form.dataset.search),
    shown: [...cards].slice(0, MAX_SHOWN).map((card) => card.dataset.productId),
    pictured: "pictured" in form.dataset,
  });
  const headers = { "Content-Type": "application/json" };
  const response = await fetch("/api/v1/refine", { method: "POST", headers, body });
  const answer = await response.json();
  return response.ok ? answer : { changes: [], reply: answer.detail, not_understood: [words] };
}

function follow(words, { changes, reply, address, not_understood: missed }) {
  const kinds = changes.map((change) => change.kind);
  if (kinds.includes("undo")) return takeBack(words);
  const turn = {
    said: words,
    changes: changes.map((change) => change.text),
    reply: missed.length || !changes.length ? reply : "",
    before: here(),
  };
  if (!changes.length) return note(turn);
  keep(here(), thread);
  const after = new URL(address, location.href);
  if (!kinds.some((kind) => NEW_SEARCHES.includes(kind))) after.hash = location.hash;
  goOn(after, [...thread, turn], reply);
}

// A turn that changes nothing stays on the page at hand.
function note(turn) {
  thread = [...thread, turn];
  keep(here(), thread);
  draw();
  announceLater(turn.reply);
}

function takeBack(words) {
  const last = thread.findLastIndex((turn) => turn.changes.length);
  const { nothing } = document.querySelector("[data-talk-texts]").dataset;
  if (last >= 0) goBack(last);
  else note({ said: words, changes: [], reply: nothing, before: here() });
}

function goBack(index) {
  goOn(new URL(thread[index].before, location.href), thread.slice(0, index), "");
}

function goOn(url, turns, reply) {
  thread = turns;
  unsaid = reply;
  isOpen = true;
  isTalking = true;
  visit(url, { scroll: window.scrollY });
}

// Back, forward and reload lead to the thread of their address; all else goes on with the one at hand.
function arrived() {
  const panel = document.querySelector("[data-talk]");
  if (!panel) return;
  if (isReturning) thread = read()[here()] ?? [];
  else keep(here(), thread);
  panel.open = isOpen;
  draw();
  if (unsaid) announceLater(`${unsaid} ${document.querySelector("main").dataset.announce ?? ""}`);
  if (isTalking) document.querySelector("#talk-say").focus({ preventScroll: true });
  unsaid = "";
  isTalking = isReturning = false;
}

function draw() {
  const place = document.querySelector("[data-talk-thread]");
  place.replaceChildren(...thread.map(drawn));
  place.hidden = !thread.length;
  place.scrollTop = place.scrollHeight;
  if (place.scrollHeight > place.clientHeight) place.tabIndex = 0; // can be scrolled by keys then
  const count = document.querySelector("[data-talk-count]");
  const { one, many } = document.querySelector("[data-talk-texts]").dataset;
  count.textContent = thread.length === 1 ? one : many.replace("{}", thread.length);
  count.hidden = !thread.length;
}

function drawn(turn, index) {
  const item = document.querySelector("[data-talk-turn]").content.firstElementChild.cloneNode(true);
  item.querySelector("[data-said]").textContent = turn.said;
  item.querySelector("[data-reply]").textContent = turn.reply;
  item.querySelector("[data-reply]").hidden = !turn.reply;
  const changes = item.querySelector("[data-changes]");
  changes.hidden = !turn.changes.length;
  for (const text of turn.changes) {
    const change = document.createElement("li");
    change.className = "talk__change";
    change.lang = "en";
    change.textContent = text;
    changes.append(change);
  }
  const undo = item.querySelector("[data-talk-undo]");
  undo.dataset.talkUndo = index;
  undo.hidden = !turn.changes.length;
  undo.ariaLabel = `${undo.textContent}: ${turn.said}`;
  return item;
}

function keepOpen(event) {
  if (event.target.matches?.("[data-talk]") && event.target.isConnected) isOpen = event.target.open;
}

// After what the visit itself says, which waits for a frame too.
function announceLater(words) {
  requestAnimationFrame(() => announce(words));
}

function here() {
  return nameOf(location);
}

function nameOf({ pathname, search, hash }) {
  return pathname + search + hash;
}

function read() {
  return stored("sessionStorage", KEY) ?? {};
}

function keep(name, turns) {
  const { [name]: _, ...others } = read();
  const kept = [...Object.entries(others), [name, turns]].slice(-MAX_KEPT);
  store("sessionStorage", KEY, Object.fromEntries(kept)); // else the thread at hand is in memory alone
}

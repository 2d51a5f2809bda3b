// When no page comes: no network, no answer, an answer that takes too long, and a shop that asks to
// be left alone for some seconds. What was typed stays, and goes on by itself where that is right.

import { show, tryAgain } from "./notices.js";

export function watchOutages() {
  window.addEventListener("offline", () => {
    if (!document.querySelector(".notice")) show("offline");
  });
  window.addEventListener("online", tryAgain); // at least, the message goes
  document.addEventListener("click", stayWhereOffline);
  document.addEventListener("shopsearch:arrived", countDown);
}

/** Say why nothing came; `retry` is offered, and done by itself once there is a network again. */
export function tellFailure(error, retry) {
  if (!navigator.onLine) show("offline", retry);
  else show(error.name === "TimeoutError" ? "late" : "unreachable", retry);
}

// A link to another page would end in the browser's own page, which forgets all that is open here.
function stayWhereOffline(event) {
  const link = event.target.closest?.("a[href]");
  if (navigator.onLine || event.defaultPrevented || !link || link.target || link.hash) return;
  if (link.origin !== location.origin) return;
  event.preventDefault();
  show("offline", () => location.assign(link.href));
}

// The button that tries again is closed as long as the shop has asked for (Retry-After).
function countDown() {
  const button = document.querySelector("[data-retry-after]");
  if (!button) return;
  const badge = button.querySelector("[data-seconds]");
  const until = performance.now() + Number(button.dataset.retryAfter) * 1000;
  const step = () => {
    const seconds = Math.ceil((until - performance.now()) / 1000);
    const isClosed = seconds > 0;
    badge.textContent = isClosed ? badge.dataset.seconds.replace("{}", seconds) : "";
    button.setAttribute("aria-disabled", String(isClosed));
    if (isClosed && button.isConnected) setTimeout(step, 250);
  };
  step();
}

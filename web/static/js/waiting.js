// A page that says "later" has a link that asks again: it counts the seconds down, then asks by itself.

import { visit } from "./visit.js";

let timer = 0;

export function askAgainInTime() {
  document.addEventListener("shopsearch:arrived", wait);
  wait();
}

function wait() {
  clearInterval(timer);
  const link = document.querySelector("main a[data-wait]");
  if (!link) return;
  const words = link.textContent;
  let seconds = Number(link.dataset.wait);
  const tick = () => {
    link.textContent = seconds > 0 ? link.dataset.words.replace("{}", seconds) : words;
    if (seconds > 0) {
      seconds -= 1;
      return;
    }
    clearInterval(timer);
    visit(link.href, { push: false });
  };
  tick();
  timer = setInterval(tick, 1000);
}

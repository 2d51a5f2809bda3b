// Tells of the product under the pointer or the focus, and lets one cluster stand out.
"use strict";
(() => {
  const told = JSON.parse(document.getElementById("map-told").textContent);
  const svg = document.querySelector(".map svg");
  const plane = document.querySelector(".plane");
  const tip = document.querySelector(".tip");
  const [picture, title, note, id] = ["img", ".title", ".small", "code"].map((at) => tip.querySelector(at));
  const NEAR = 18; // units of the drawing
  const CELL = 40;
  const cells = new Map(); // products by the square they lie in, so that few are compared

  const cell = (x, y) => `${Math.floor(x / CELL)},${Math.floor(y / CELL)}`;
  told.x.forEach((x, place) => {
    const key = cell(x, told.y[place]);
    if (!cells.has(key)) cells.set(key, []);
    cells.get(key).push(place);
  });

  const nearest = (x, y, reach = NEAR) => {
    let best = -1;
    let least = reach * reach;
    for (let across = -1; across <= 1; across += 1) {
      for (let down = -1; down <= 1; down += 1) {
        for (const place of cells.get(cell(x + across * CELL, y + down * CELL)) ?? []) {
          const far = (told.x[place] - x) ** 2 + (told.y[place] - y) ** 2;
          const shown = chosen === null || told.cluster[place] === chosen;
          if (shown && far <= least) [best, least] = [place, far];
        }
      }
    }
    return best;
  };

  const show = (place) => {
    const address = told.picture[place];
    picture.hidden = !address;
    if (address) picture.src = address;
    title.textContent = told.title[place] || "Without a title";
    note.textContent = [told.kind[place], told.price[place], told.names[told.cluster[place]]].filter(Boolean).join(" · ");
    id.textContent = told.id[place];
    tip.hidden = false;
    const scale = plane.clientWidth / svg.viewBox.baseVal.width;
    const left = told.x[place] * scale + 14;
    const top = told.y[place] * scale + 14;
    const fits = left + tip.offsetWidth < plane.clientWidth;
    tip.style.left = `${fits ? left : Math.max(0, left - tip.offsetWidth - 28)}px`;
    tip.style.top = `${Math.min(top, Math.max(0, plane.clientHeight - tip.offsetHeight))}px`;
  };
  const hide = () => { tip.hidden = true; };

  let chosen = null;
  const choose = (cluster) => {
    chosen = chosen === cluster ? null : cluster;
    svg.classList.toggle("one", chosen !== null);
    svg.querySelectorAll("[data-cluster]").forEach((each) => each.classList.toggle("chosen", Number(each.dataset.cluster) === chosen));
    document.querySelectorAll(".legend button").forEach((each) => each.setAttribute("aria-pressed", String(Number(each.dataset.cluster) === chosen)));
    hide();
  };

  const point = (event) => {
    const place = svg.getScreenCTM().inverse();
    const at = new DOMPoint(event.clientX, event.clientY).matrixTransform(place);
    const found = nearest(at.x, at.y);
    if (found < 0) hide(); else show(found);
  };
  svg.addEventListener("pointermove", point);
  svg.addEventListener("pointerdown", point);
  svg.addEventListener("pointerleave", hide);
  svg.querySelectorAll(".pin").forEach((pin) => {
    pin.addEventListener("focus", () => {
      const found = nearest(Number(pin.dataset.x), Number(pin.dataset.y));
      if (found >= 0) show(found);
    });
    pin.addEventListener("blur", hide);
  });
  document.addEventListener("keydown", (event) => { if (event.key === "Escape") hide(); });
  document.querySelectorAll(".legend button").forEach((button) => button.addEventListener("click", () => choose(Number(button.dataset.cluster))));
})();

// The two thumbs over the histogram of prices. They write into the number fields beside them, and
// ask for the results once they rest.

const REST_MS = 250; // a held key moves a thumb often

let waiting = 0;

export function slidePrices() {
  document.addEventListener("input", (event) => {
    const slider = event.target.closest("[data-slider]");
    if (slider && event.target.type === "range") slide(slider, event.target);
  });
  document.addEventListener("change", (event) => {
    const slider = event.target.closest("[data-slider]");
    if (!slider || event.target.type !== "range") return;
    clearTimeout(waiting);
    waiting = setTimeout(() => event.target.form?.requestSubmit(), REST_MS);
  });
}

function slide(slider, moved) {
  const [low, high] = [slider.querySelector("[data-low]"), slider.querySelector("[data-high]")];
  if (moved === low) low.value = Math.min(low.value, high.value - 1);
  else high.value = Math.max(high.value, Number(low.value) + 1);
  const [from, to] = [Number(low.value), Number(high.value)];
  const told = (name) => JSON.parse(slider.dataset[name]);
  low.setAttribute("aria-valuetext", told("lowTexts")[from]);
  high.setAttribute("aria-valuetext", told("highTexts")[to - 1]);
  const fields = low.form.elements;
  if (moved === low) fields["price.min"].value = told("lows")[from];
  else fields["price.max"].value = told("highs")[to - 1];
  slider.querySelectorAll(".histogram__bar").forEach((bar, place) =>
    bar.classList.toggle("histogram__bar--chosen", place >= from && place < to),
  );
}

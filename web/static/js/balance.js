// How much words count beside a picture or a product: told while the slider moves, and searched by
// once it rests.

const REST_MS = 250; // a key that is held changes it many times

let resting = 0;
let wanted = null; // a page that arrives meanwhile does not take the slider back

export function weigh() {
  document.addEventListener("input", (event) => {
    if (event.target.matches("#balance")) say(event.target);
  });
  document.addEventListener("change", (event) => {
    if (!event.target.matches("#balance")) return;
    wanted = event.target.value;
    clearTimeout(resting);
    resting = setTimeout(search, REST_MS);
  });
}

function search() {
  const slider = document.querySelector("#balance");
  if (!slider) return;
  slider.value = wanted;
  say(slider);
  slider.form.requestSubmit();
}

function say(slider) {
  const percent = Math.round(slider.value * 100);
  const shown = slider.form.querySelector("output");
  slider.setAttribute("aria-valuetext", slider.dataset.valuetext.replace("{}", percent));
  shown.value = shown.dataset.value.replace("{}", percent);
}

// The language is chosen by a form that leads back to where it was sent from, also where results
// were swapped in since the page was loaded.

export function keepPlace() {
  document.addEventListener("submit", ({ target }) => {
    const here = target.querySelector("[data-here]");
    if (here) here.value = location.pathname + location.search + location.hash;
  });
}

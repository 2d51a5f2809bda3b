// Tells the shop which product of a page of results was chosen, so that the search gets better. It
// says nothing of who chose, and nothing at all where the browser asks not to be followed.

import { asksNotToBeFollowed } from "./kept.js";

const ADDRESS = "/api/v1/events";

export function tellClicks() {
  if (asksNotToBeFollowed()) return;
  document.addEventListener("click", tell, { capture: true });
  document.addEventListener("auxclick", (event) => {
    if (event.button === 1) tell(event); // opened in another tab
  });
}

function tell(event) {
  const chosen = event.target.closest?.("a[data-rank]")?.dataset;
  // only where the search is logged; parts of a list that goes on have ids of their own
  const queryId = event.target.closest?.("[data-query-id]")?.dataset.queryId;
  if (!chosen || !queryId) return;
  const click = {
    type: "click",
    query_id: queryId,
    product_id: chosen.productId,
    rank: Number(chosen.rank),
  };
  const body = JSON.stringify({ events: [click] });
  navigator.sendBeacon(ADDRESS, new Blob([body], { type: "application/json" }));
}

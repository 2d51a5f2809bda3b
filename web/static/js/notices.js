// Short messages over the page. Their words are in the templates of base.html.

let again = null; // what the message on show would try again

/** Show one of the messages; `retry` is called when the visitor asks to try again. */
export function show(name, retry = null) {
  dismiss();
  const template = document.querySelector(`template[data-template="${name}"]`);
  const notice = template.content.firstElementChild.cloneNode(true);
  notice.dataset.notice = name;
  notice.querySelector("[data-dismiss]")?.addEventListener("click", dismiss);
  const button = notice.querySelector("[data-retry]");
  if (button && !retry) button.remove();
  button?.addEventListener("click", tryAgain);
  again = retry;
  (document.querySelector("dialog:modal") ?? document.body).append(notice); // what is modal hides the rest
}

export function dismiss() {
  again = null;
  document.querySelectorAll(".notice").forEach((notice) => notice.remove());
}

/** Try again what the message on show is about, as if its button was pressed. */
export function tryAgain() {
  const retry = again;
  dismiss();
  retry?.();
}

/** Have a screen reader say something. An empty text first: it keeps quiet about one that stayed. */
export function announce(words) {
  const announcer = document.querySelector("[data-announcer]");
  announcer.textContent = "";
  requestAnimationFrame(() => (announcer.textContent = words));
}

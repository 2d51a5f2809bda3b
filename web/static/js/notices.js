// Short messages over the page. Their words are in the templates of base.html.

/** Show one of the messages; `retry` is called when the visitor asks to try again. */
export function show(name, retry = null) {
  dismiss();
  const template = document.querySelector(`template[data-template="${name}"]`);
  const notice = template.content.firstElementChild.cloneNode(true);
  notice.querySelector("[data-dismiss]")?.addEventListener("click", dismiss);
  notice.querySelector("[data-retry]")?.addEventListener("click", () => {
    dismiss();
    retry?.();
  });
  (document.querySelector("dialog:modal") ?? document.body).append(notice); // else nobody reaches it
}

export function dismiss() {
  document.querySelectorAll(".notice").forEach((notice) => notice.remove());
}

// Run before the start page is painted, so that what the browser keeps has its place from the
// beginning. Anything beyond that is for js/kept.js, whose names these are.
{
  const asksNotTo = navigator.globalPrivacyControl || navigator.doNotTrack === "1";
  const has = (name) => (localStorage.getItem(`shopsearch.${name}`) ?? "[]") !== "[]";
  try {
    if (!asksNotTo && has("seen")) document.documentElement.classList.add("keeps-seen", "keeps-some");
    if (!asksNotTo && has("favourites")) document.documentElement.classList.add("keeps-some");
  } catch {
    // storage can be switched off
  }
}

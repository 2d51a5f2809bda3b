// Draws suggestions: groups of options, made of the templates of _searchbox.html.

const N_RECENT_BESIDE = 3; // recent searches above what the shop suggests
const N_CATEGORIES = 3;
const N_PRODUCTS = 4;
const PLAIN_ID = /^[\w-]+$/; // ids that a path carries as they are

/** Groups of options for what was typed; `found` is what the shop suggests, null for nothing. */
export function groupsOf(typed, found, recent) {
  const fitting = typed ? recent.filter((one) => fits(one, typed)).slice(0, N_RECENT_BESIDE) : recent;
  const seen = new Set([typed, ...fitting].map(folded));
  const isNew = (one) => one.kind === "brand" || !seen.has(folded(one.text));
  const words = (found?.suggestions ?? []).filter(isNew);
  const groups = [
    group("recent", fitting.map((one) => option("recent", { words: one, typed, value: one }))),
    group("words", words.map((one) => suggested(one, typed))),
    group("categories", (found?.categories ?? []).slice(0, N_CATEGORIES).map((one) => category(one, typed))),
    group("products", (found?.products ?? []).slice(0, N_PRODUCTS).map((one) => product(one, typed))),
  ];
  if (!typed && fitting.length) groups[0].append(option("forget-all", {}));
  return groups.filter(Boolean);
}

function group(name, options) {
  if (!options.length) return null;
  const made = copyOf(`template[data-suggest-group="${name}"]`);
  made.append(...options);
  return made;
}

function option(kind, { words = "", typed = "", value = "", note = "", number = "", href = "" }) {
  const made = copyOf(`template[data-suggest-option="${kind}"]`);
  made.querySelector("[data-words]")?.append(...marked(words, typed));
  const told = { note, number };
  for (const name of Object.keys(told)) {
    const place = made.querySelector(`[data-${name}]`);
    if (place) place.textContent = told[name];
  }
  Object.assign(made.dataset, { value, href });
  return made;
}

function suggested({ text, kind }, typed) {
  if (kind !== "brand") return option("words", { words: text, typed, value: text });
  return option("brand", { words: text, typed, href: searchAddress("filter.brand", text) });
}

function category({ category: path, products }, typed) {
  const levels = path.split(" > ");
  const words = levels.pop();
  const href = searchAddress("filter.category", path);
  const number = new Intl.NumberFormat(language()).format(products);
  return option("category", { words, typed, note: levels.join(" › "), number, href });
}

function product({ product_id: id, title, price, currency, image }, typed) {
  const href = PLAIN_ID.test(id) ? `/products/${id}` : `/products?${new URLSearchParams({ id })}`;
  const made = option("product", { words: title || id, typed, number: priceText(price, currency), href });
  if (image) {
    const picture = new Image(44, 44);
    picture.alt = "";
    picture.src = `${image}/160`;
    made.querySelector(".suggest__tile").replaceChildren(picture);
  }
  return made;
}

function searchAddress(name, value) {
  return `/search?${new URLSearchParams({ [name]: value })}`;
}

function priceText(price, currency) {
  if (typeof price !== "number" || !/^[A-Z]{3}$/.test(currency ?? "")) return "";
  return new Intl.NumberFormat(language(), { style: "currency", currency }).format(price);
}

// The words with each beginning that was typed in a <mark>.
function marked(words, typed) {
  const beginnings = typed.split(" ").filter(Boolean).sort((a, b) => b.length - a.length);
  const parts = words.match(/[^\s\-/("“]*[\s\-/("“]*/gu); // each ends where the next word begins
  return parts.flatMap((part) => {
    const begun = beginnings.find((one) => folded(part).startsWith(folded(one)));
    if (!begun) return [part];
    const mark = document.createElement("mark");
    mark.textContent = part.slice(0, begun.length);
    return [mark, part.slice(begun.length)];
  });
}

function fits(words, typed) {
  const [whole, begun] = [folded(words), folded(typed).trim()];
  return whole !== begun && (whole.startsWith(begun) || whole.includes(` ${begun}`));
}

function copyOf(selector) {
  return document.querySelector(selector).content.firstElementChild.cloneNode(true);
}

function folded(words) {
  return words.toLocaleLowerCase();
}

function language() {
  return document.documentElement.lang;
}

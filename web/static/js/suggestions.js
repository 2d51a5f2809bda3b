// What the shop suggests for the beginning of a search, remembered while the page is there.

const ADDRESS = "/api/v1/suggest";
const MAX_KEPT = 200;
const SIZE = 6;

const kept = new Map();
let underWay = null;

/** Words, categories and products for what is typed, each {words, search or href, note, image}. */
export async function suggestionsFor(typed) {
  const text = typed.slice(0, 200);
  if (!kept.has(text)) {
    const answer = await fetched(text);
    if (!answer) return {};
    if (kept.size >= MAX_KEPT) kept.delete(kept.keys().next().value);
    kept.set(text, answer);
  }
  return kept.get(text);
}

async function fetched(text) {
  underWay?.abort();
  underWay = new AbortController();
  try {
    const fields = new URLSearchParams({ q: text, size: SIZE });
    const response = await fetch(`${ADDRESS}?${fields}`, { signal: underWay.signal });
    return response.ok ? grouped(await response.json()) : null;
  } catch {
    return null; // overtaken, or no answer: a search box without suggestions is still one
  }
}

function grouped({ suggestions, categories, products }) {
  return {
    words: suggestions.map(({ text }) => ({ words: text, search: text })),
    categories: categories.slice(0, 3).map(({ category }) => ({
      words: category.split(" > ").at(-1),
      note: category.split(" > ").slice(0, -1).join(" › "),
      href: `/search?${new URLSearchParams({ "filter.product_type": category })}`,
    })),
    products: products.slice(0, 4).map(({ product_id, title, image }) => ({
      words: title,
      image: image && `${image}/160`,
      href: `/products?${new URLSearchParams({ id: product_id })}`,
    })),
  };
}

// What this browser keeps, as JSON. Storage can be switched off or full, and anybody may have written
// there: then it is as if nothing was kept.

/** What is kept under a name in "localStorage" or "sessionStorage"; null where there is nothing. */
export function stored(storage, name) {
  try {
    return JSON.parse(window[storage].getItem(name));
  } catch {
    return null;
  }
}

/** Keep a value, or nothing any more where it is null; whether that could be done. */
export function store(storage, name, value) {
  try {
    if (value === null) window[storage].removeItem(name);
    else window[storage].setItem(name, JSON.stringify(value));
    return true;
  } catch {
    return false;
  }
}

// What a browser keeps for its person. One that lets pages keep nothing has it until the page is loaded again, and says so.
import { tell } from "./messages.js";

const here = new Map();

export function kept(name) {
  try {
    return localStorage.getItem(name);
  } catch {
    return here.get(name) ?? null;
  }
}

// keep keeps a value under a name, or nothing any more.
export function keep(name, value) {
  try {
    if (value === null) localStorage.removeItem(name);
    else localStorage.setItem(name, value);
  } catch {
    here.set(name, value);
    tell({ tone: "warning", text: "Kept until this page is loaded again: this browser lets pages keep nothing." });
  }
}

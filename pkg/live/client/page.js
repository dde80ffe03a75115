// Puts rows and fragments where they belong in the document.
import { morphElements } from "@hotwired/turbo";
import { fits, place } from "./order.js";

const seen = new Map(); // the last revision of each id, also of what no list shows now

// forget is for a document that was rendered anew.
export function forget() {
  seen.clear();
}

// applyRow puts a row right wherever it shows. It returns whether only the server can say how the page looks now.
export function applyRow(row) {
  const shown = document.getElementById(row.id);
  const known = Math.max(seen.get(row.id) ?? -1, Number(shown?.dataset.revision ?? -1));
  if (row.revision <= known) return isOutdatedSubject(row);
  seen.set(row.id, row.revision);
  let refresh = isOutdatedSubject(row);
  for (const list of document.querySelectorAll(`[data-live-list="${CSS.escape(row.list)}"]`)) {
    refresh = applyToList(list, row) || refresh;
  }
  return refresh;
}

function isOutdatedSubject(row) {
  const subject = document.querySelector(`[data-live-subject="${CSS.escape(row.id)}"]`);
  return subject !== null && Number(subject.dataset.revision || 0) < row.revision;
}

// applyToList knows the rows of a first page without search. Of another list it can only replace a row that is there.
function applyToList(list, row) {
  const { liveTab: tab, liveOrder: order, livePage: page, liveSearch: search, liveSize, liveMore } = list.dataset;
  const rows = rowsOf(list);
  const shown = rows.find((r) => r.id === row.id);
  const belongs = fits(tab, row.tabs);
  if (page !== "first" || search) {
    if (shown && belongs) replace(shown, row);
    return true;
  }
  const size = Number(liveSize) || Infinity;
  const full = rows.length >= size;
  if (!belongs) {
    shown?.remove();
    updateEmpty(list);
    return Boolean(shown) && full; // the next page's first row moves up
  }
  const others = rows.filter((r) => r !== shown);
  const at = place(others.map((r) => ({ sort: r.dataset.sort ?? "", id: r.id })), { sort: row.sort, id: row.id }, order);
  if (at >= size || (at === others.length && full && !shown)) {
    return liveMore === undefined; // it is on the next page: is there a link to it yet?
  }
  const element = shown ? replace(shown, row) : mark(parse(row.html));
  if (rows.indexOf(shown) !== at) {
    list.insertBefore(element, others[at] ?? null);
  }
  const extra = rowsOf(list).slice(size);
  for (const last of extra) last.remove();
  updateEmpty(list);
  // A row that moved to the end of a full page may belong behind one of the next page.
  return (extra.length > 0 && liveMore === undefined) || (full && Boolean(shown) && at === others.length && at !== rows.indexOf(shown));
}

function rowsOf(list) {
  return [...list.children].filter((r) => r.id);
}

function parse(html) {
  const template = document.createElement("template"); // parses a <tr> outside a table
  template.innerHTML = html;
  return template.content.firstElementChild;
}

// replace morphs, so that focus, selection and what is being typed in the row stay.
function replace(element, row) {
  morphElements(element, parse(row.html));
  return mark(document.getElementById(row.id) ?? element);
}

// mark shows briefly that a row changed.
function mark(element) {
  element.classList.remove("changed");
  requestAnimationFrame(() => {
    element.classList.add("changed");
    const done = () => element.classList.remove("changed");
    element.addEventListener("animationend", done, { once: true });
    setTimeout(done, 4000); // with reduced motion there is no animation to end
  });
  return element;
}

// updateEmpty shows [data-live-empty=<list>] when the list is empty, and [data-live-filled=<list>] when it is not.
function updateEmpty(list) {
  const name = CSS.escape(list.dataset.liveList);
  const empty = rowsOf(list).length === 0;
  for (const e of document.querySelectorAll(`[data-live-empty=""], [data-live-empty="${name}"]`)) e.hidden = !empty;
  for (const e of document.querySelectorAll(`[data-live-filled=""], [data-live-filled="${name}"]`)) e.hidden = empty;
}

export function applyFragment({ name, html }) {
  const template = document.createElement("template");
  template.innerHTML = html;
  for (const element of document.querySelectorAll(`[data-live-fragment="${CSS.escape(name)}"]`)) {
    if (element.innerHTML !== template.innerHTML) element.replaceChildren(template.content.cloneNode(true));
  }
}

const words = { live: "Live", connecting: "Connecting", lost: "Connection lost" };

export function showState(state) {
  for (const dot of document.querySelectorAll("[data-live-state]")) {
    if (dot.dataset.state === state && dot.textContent === words[state]) continue;
    dot.dataset.state = state;
    dot.textContent = words[state];
  }
}

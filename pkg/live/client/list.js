// A list of rows, which is as the server has it, and does not move under somebody who works in it (see hold.js): meanwhile rows that leave
// stay in their place, dimmed, and say what became of them; rows that come, and those that would move, wait. Rows change in place all the while.
import { morphElements } from "@hotwired/turbo";
import { isHeld, whenFree } from "./hold.js";
import { fits, follows, place } from "./order.js";

export const focusedAt = new WeakMap(); // what the keyboard's focus was put on, and when
const waiting = new WeakMap(); // by list: the rows that wait, by their ids
const wanted = new WeakSet(); // lists whose person wants to see what waits, of which a page is on its way
const doubted = new Map(); // rows of which a page has an older revision, and which, by their ids
let askServer = () => {};

// onUnsure sets what to call when only the server can say how a list looks now.
export const onUnsure = (ask) => { askServer = ask; };

const isGone = (row) => row.classList.contains("gone");
const all = (list) => [...list.children].filter((r) => r.id);
const keyOf = (list, row) => row?.dataset[list.dataset.liveBy || "sort"] ?? ""; // what the list is sorted by
const rowsOf = (list) => all(list).filter((r) => !isGone(r));
const lists = () => document.querySelectorAll("[data-live-list]");

// apply puts a row right in a list. It returns true if the page must be fetched again: only the server knows how the list looks now.
export function apply(list, row, held = isHeld(list)) {
  const { liveTab: tab, liveOrder: order, livePage: page, liveSearch: search, liveSize, liveMore } = list.dataset;
  const rows = rowsOf(list);
  const shown = (held ? all(list) : rows).find((r) => r.id === row.id);
  const belongs = fits(tab, row.tabs);
  if (shown && belongs) replace(shown, row);
  if (page !== "first" || search) { // only the server knows what is in it
    if (shown && !belongs && held) markGone(shown, row);
    return true;
  }
  const size = Number(liveSize) || Infinity;
  const full = rows.length >= size;
  if (!belongs) {
    news(list).delete(row.id);
    if (shown && held) markGone(shown, row);
    else shown?.remove();
    settle(list);
    return !held && Boolean(shown) && full; // the next page's first row moves up
  }
  const others = rows.filter((r) => r !== shown);
  const at = place(others.map((r) => ({ sort: keyOf(list, r), id: r.id })), { sort: keyOf(list, parse(row.html)), id: row.id }, order);
  if (at >= size || (at === others.length && full && !shown)) {
    return liveMore === undefined; // it is on the next page: is there a link to it yet?
  }
  if (held) {
    // What waits is remembered up to a page of it; of more, that there is some.
    if (rows.indexOf(shown) !== at) news(list).set(row.id, news(list).size < size ? row : { id: row.id });
    settle(list);
    return false;
  }
  const element = shown ? document.getElementById(row.id) : mark(parse(row.html));
  if (rows.indexOf(shown) !== at) list.insertBefore(element, others[at] ?? null);
  const extra = rowsOf(list).slice(size);
  for (const last of extra) last.remove();
  settle(list);
  // A row that moved to the end of a full page may belong behind one of the next page.
  return (extra.length > 0 && liveMore === undefined) || (full && Boolean(shown) && at === others.length && at !== rows.indexOf(shown));
}

function news(list) {
  if (!waiting.has(list)) waiting.set(list, new Map());
  return waiting.get(list);
}

// settle says at the list's edge what waits, and what there is to do where the list is empty.
function settle(list) {
  const name = CSS.escape(list.dataset.liveList);
  const empty = all(list).length === 0;
  for (const e of document.querySelectorAll(`[data-live-empty=""], [data-live-empty="${name}"]`)) e.hidden = !empty;
  for (const e of document.querySelectorAll(`[data-live-filled=""], [data-live-filled="${name}"]`)) e.hidden = empty;

  const shown = new Set(all(list).map((r) => r.id));
  const come = [...news(list).values()].filter((r) => !shown.has(r.id));
  const more = come.filter((r) => r.more).length;
  const words = [come.length > more && `${come.length - more} new`, more && `${more} more`].filter(Boolean).join(", ");
  const line = document.querySelector(`[data-live-news="${name}"]`);
  if (!line || line.textContent === words) return;
  const there = line.querySelector("button");
  if (words && there) {
    there.textContent = words; // it keeps the focus
    return;
  }
  const button = Object.assign(document.createElement("button"), { type: "button", className: "btn btn-primary btn-sm", textContent: words });
  button.addEventListener("click", () => {
    const before = new Set(all(list).map((r) => r.id));
    if (release(list)) wanted.add(list);
    all(list).find((r) => !before.has(r.id))?.querySelector("a, button")?.focus();
  });
  line.replaceChildren(...(words ? [button] : []));
}

// release does what has waited. It returns whether the rest of it comes with a page.
function release(list) {
  const due = [...news(list).values()];
  waiting.delete(list);
  const gone = all(list).filter(isGone);
  for (const row of gone) row.remove();
  let unsure = list.dataset.liveMore !== undefined && gone.length > 0;
  for (const row of due) unsure = (row.html === undefined || apply(list, row, false)) || unsure;
  settle(list);
  if (unsure) askServer();
  return unsure;
}
whenFree((list) => { if (list.isConnected && (news(list).size || all(list).some(isGone))) release(list); });

// markGone dims a row that is no longer in the list, and says what became of it, where that is known, with what is offered about that
// (data-offer). It keeps its size, and so its content.
function markGone(shown, row) {
  const focused = shown.querySelector(":focus-visible");
  shown.classList.add("gone");
  if (row) shown.dataset.revision = row.revision; // a page from before it left does not bring it back
  else delete shown.dataset.revision; // nor does one from before it came keep it away: what is newer than the page is pushed again
  for (const press of shown.querySelectorAll(".actions > :not(.became)")) press.inert = true;
  shown.querySelector(".became")?.remove();
  const became = Object.assign(document.createElement("small"), { className: "became" });
  const time = Object.assign(document.createElement("time"), { dateTime: new Date().toISOString(), textContent: "just now" });
  const words = document.createElement("span");
  time.dataset.relative = "";
  const now = row && parse(row.html);
  words.append(now?.dataset.now || "No longer in this list", " ", time);
  became.append(words, ...now?.querySelectorAll("[data-offer]") ?? []);
  shown.lastElementChild.append(became);
  if (!focused) return;
  if (!focused.isConnected) (became.querySelector("button") ?? shown.querySelector("a"))?.focus({ focusVisible: true }); // it was in what became
  else if (shown.querySelector("form[aria-busy=true]")) goOn(shown); // it was one's own press
  else shown.querySelector("a")?.focus({ focusVisible: true });
}

// goOn puts the keyboard's focus on the next row that one can work in, or else on the one before.
function goOn(row) {
  const rows = all(row.parentElement), at = rows.indexOf(row);
  const next = [...rows.slice(at + 1), ...rows.slice(0, at).toReversed()].find((r) => !isGone(r)) ?? row;
  const there = next.querySelector(".actions :is(button, a):not([inert] *, [inert])") ?? next.querySelector("a");
  if (there) focusOn(there);
}

function focusOn(there) {
  focusedAt.set(there, performance.now());
  there.focus({ focusVisible: true });
}

// take makes the lists as a page has them.
export function take(page) {
  for (const list of lists()) {
    const other = page.querySelector(`[data-live-list="${CSS.escape(list.dataset.liveList)}"]`);
    if (!other || !sameList(list, other)) continue;
    if (isHeld(list)) {
      merge(list, other);
    } else {
      for (const row of rowsOf(other)) {
        const shown = document.getElementById(row.id);
        if (Number(shown?.dataset.revision) > Number(row.dataset.revision)) row.replaceWith(shown.cloneNode(true));
      }
      morphElements(list, other);
    }
    settle(list);
  }
}

const sameList = (a, b) => ["liveList", "liveTab", "liveBy", "liveOrder", "livePage", "liveSearch"].every((name) => a.dataset[name] === b.dataset[name]);

addEventListener("turbo:before-morph-element", (event) => {
  const { target, detail: { newElement } } = event;
  if (target.dataset?.liveNews !== undefined) return event.preventDefault(); // the client's own
  if (newElement && target.matches("[data-live-list] > [id]") && isFromBefore(target, newElement)) return event.preventDefault();
  if (target.dataset?.liveList === undefined || !newElement) return;
  if (!sameList(target, newElement) || wanted.delete(target) || !isHeld(target)) return waiting.delete(target);
  event.preventDefault();
  merge(target, newElement);
});
addEventListener("turbo:render", () => lists().forEach(settle));

// isFromBefore tells whether a page has an older row than is shown. Another page is asked for then: if that says so too, it is true, as
// after the restore of a backup.
function isFromBefore({ id, dataset }, { dataset: { revision } }) {
  if (!(Number(dataset.revision) > Number(revision))) return doubted.delete(id) && false;
  if (doubted.get(id) === revision) return false;
  doubted.set(id, revision);
  addEventListener("turbo:render", () => askServer(), { once: true });
  return true;
}

// merge takes what a page says of a list that somebody works in.
function merge(list, page) {
  const hadMore = list.dataset.liveMore !== undefined;
  list.toggleAttribute("data-live-more", page.dataset.liveMore !== undefined);
  const coming = new Map(rowsOf(page).map((r) => [r.id, r]));
  const last = rowsOf(list).at(-1), end = rowsOf(page).at(-1);
  const key = (row) => ({ id: row.id, sort: keyOf(list, row) });
  const isBehind = (row) => page.dataset.liveMore !== undefined && end && follows(key(row), key(end), list.dataset.liveOrder); // on the next page
  for (const shown of all(list)) {
    const row = coming.get(shown.id);
    coming.delete(shown.id);
    if (!row && !isGone(shown) && !isBehind(shown)) markGone(shown);
    else if (row && Number(row.dataset.revision) >= Number(shown.dataset.revision ?? -1)) replace(shown, { html: row.outerHTML }, false);
  }
  news(list).clear();
  for (const { id, outerHTML, dataset, previousElementSibling } of coming.values()) {
    const more = hadMore && (!last || previousElementSibling?.id === last.id || news(list).get(previousElementSibling?.id)?.more);
    news(list).set(id, {
      id, more, html: outerHTML, list: list.dataset.liveList, revision: Number(dataset.revision), tabs: [list.dataset.liveTab || "all"],
    });
  }
}

export function parse(html) {
  const template = document.createElement("template"); // parses a <tr> outside a table
  template.innerHTML = html;
  return template.content.firstElementChild;
}

// replace morphs, so that focus, selection and what is being typed in the row stay. A button that has the focus may do something else now.
function replace(element, row, changed = true) {
  const focused = element.querySelector(":focus-visible"), did = focused?.form?.action;
  element.classList.remove("gone");
  element.querySelector(".became")?.remove();
  morphElements(element, parse(row.html));
  const shown = document.getElementById(element.id) ?? element;
  if (focused && !shown.contains(focused)) focusOn(shown.querySelector("a") ?? shown);
  else if (focused?.form?.action !== did) focusedAt.set(focused, performance.now());
  return changed ? mark(shown) : shown;
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

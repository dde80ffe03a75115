// A press counts only on what people aimed at. If a row has moved under the pointer within the last 600 ms, the click is ignored, and the
// person is told.
import { focusedAt } from "./list.js";
import { answerTo } from "./refresher.js";

const settles = 600; // ms
const near = 4; // px

const places = new Map(); // rows, and where they were in the window
const movedAt = new WeakMap(); // rows, and when another place became theirs
let due = false;

// look notes where the rows are. Those that people scroll, and those of a page that they have just gone to, have not moved.
function look({ moved = true, come = true } = {}) {
  const before = new Map(places);
  places.clear();
  for (const row of document.querySelectorAll("[data-live-list] > [id]")) {
    const { top } = row.getBoundingClientRect();
    places.set(row, top);
    const was = before.get(row);
    if (was === undefined ? come : moved && Math.abs(was - top) > near) movedAt.set(row, performance.now());
  }
}

// Whatever changes a page may move its rows: one more or less, one that has grown, a line above them. The browser may scroll with it.
new MutationObserver(() => {
  if (due) return;
  due = true;
  requestAnimationFrame(() => setTimeout(() => { due = false; look(); }));
}).observe(document.documentElement, { childList: true, subtree: true, characterData: true });
for (const name of ["scroll", "resize"]) addEventListener(name, () => look({ moved: false }), { capture: true, passive: true });
addEventListener("turbo:load", () => look({ come: false }));
look({ come: false }); // what the page came with

addEventListener("click", (event) => {
  if (event.detail === 0) { // by the keyboard, whose focus may just have been put there
    if (performance.now() - (focusedAt.get(event.target) ?? -Infinity) > settles) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    return;
  }
  look();
  const row = event.target.closest?.("[data-live-list] > [id]");
  if (!row || !event.target.closest("button, a") || performance.now() - (movedAt.get(row) ?? -Infinity) > settles) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  document.dispatchEvent(new CustomEvent("tell", { detail: { tone: "warning", text: "That press was not counted: the list has just moved. Please look again." } }));
}, { capture: true });

// A key that is held down presses once.
addEventListener("keydown", (event) => {
  if (event.repeat && ["Enter", " "].includes(event.key) && event.target.matches?.("[data-live-list] :is(button, a)")) event.preventDefault();
}, { capture: true });

// A form that says what its person has seen (data-seen) waits a moment when that has changed under their eyes. The answer to a form
// of their own is no surprise.
const settle = 1000;
const surprised = new Map(); // forms, until when
let answering = false;
addEventListener("turbo:submit-end", ({ detail }) => { answering = Boolean(answerTo(detail)); });
addEventListener("turbo:before-morph-element", ({ target, detail }) => {
  if (answering || target.type !== "hidden" || target.name === "key" || !target.form?.matches("[data-seen]")) return;
  if (detail.newElement?.value !== target.value) surprised.set(target.form, performance.now() + settle);
});
addEventListener("turbo:render", () => {
  answering = false;
  for (const [form, until] of surprised) {
    const left = until - performance.now();
    if (left <= 0 || !form.isConnected) {
      surprised.delete(form);
      continue;
    }
    for (const button of form.querySelectorAll("button:enabled")) {
      button.disabled = true;
      button.dataset.waits = ""; // goes with the next morph, which also says whether the server disables it
      setTimeout(() => { if (button.dataset.waits !== undefined) button.disabled = false; }, left);
    }
  }
});

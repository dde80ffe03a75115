// A press counts only on the row that people aimed at. Where the page has just put another one under a pointer that rests, it is
// dropped: the second press of a double click on "Accept" would accept the next row.
const settle = 1000, rests = 12; // ms, px

let aimed = { x: -1, y: -1, row: undefined };
let pointer = { x: -1, y: -1 };
let under; // the row that the pointer is on, whether it went there or the row did
let moved = -Infinity; // when another row came under it

const justMoved = () => performance.now() - moved <= settle;
const rowOf = (element) => element?.closest?.("[data-live-list] > [id]")?.id;

for (const name of ["pointermove", "pointerdown"]) {
  addEventListener(name, ({ clientX: x, clientY: y, target }) => {
    pointer = { x, y };
    under = rowOf(target);
    if (!justMoved() || Math.hypot(x - aimed.x, y - aimed.y) > rests) aimed = { x, y, row: under };
  }, { capture: true, passive: true });
}

// Whatever changes a page may move its rows: one more or less, one that has grown, a message above them that goes.
new MutationObserver(() => {
  const now = rowOf(document.elementFromPoint(pointer.x, pointer.y));
  if (now === under) return;
  under = now;
  moved = performance.now();
}).observe(document.documentElement, { childList: true, subtree: true, characterData: true });

// A form that says what its person has seen (data-seen) waits a moment when that has changed under their eyes. The answer to a form
// of their own is no surprise.
const surprised = new Map(); // forms, until when
let answering = false;
addEventListener("turbo:submit-end", ({ detail }) => { answering = Boolean(detail.fetchResponse); });
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

addEventListener("click", (event) => {
  const row = rowOf(event.target);
  if (event.detail === 0 || !row || row === aimed.row || !justMoved()) return; // 0: by the keyboard
  if (!event.target.closest("button, a")) return;
  event.preventDefault();
  event.stopImmediatePropagation();
}, { capture: true });

// A press counts only on the row that people aimed at. Where a list has just moved under a pointer that rests, and has put another
// one there, it is dropped: the second press of a double click on "Accept" would accept the next row.
const settle = 1000, rests = 12; // ms, px

let aimed = { x: 0, y: 0, row: undefined };
let moved = -Infinity;

// moving is for whoever adds rows to a list, or takes them out.
export function moving() {
  moved = performance.now();
}

const justMoved = () => performance.now() - moved <= settle;
const rowOf = (element) => element.closest?.("[data-live-list] > [id]")?.id;

for (const name of ["pointermove", "pointerdown"]) {
  addEventListener(name, ({ clientX: x, clientY: y, target }) => {
    if (!justMoved() || Math.hypot(x - aimed.x, y - aimed.y) > rests) aimed = { x, y, row: rowOf(target) };
  }, { capture: true, passive: true });
}
addEventListener("turbo:render", moving);

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

// A press counts only on what people aimed at. Where a list has just moved under a pointer that rests, it is dropped: the
// second press of a double click on "Accept" would accept the next row.
const settle = 1000, rests = 12; // ms, px

let pointer = { x: 0, y: 0 };
let moved = { when: -Infinity, ...pointer };

// moving is for whoever adds rows to a list, or takes them out.
export function moving() {
  moved = { when: performance.now(), ...pointer };
}

for (const name of ["pointermove", "pointerdown"]) {
  addEventListener(name, ({ clientX: x, clientY: y }) => { pointer = { x, y }; }, { capture: true, passive: true });
}
addEventListener("turbo:render", moving);

addEventListener("click", (event) => {
  const aimed = event.detail === 0 // by the keyboard
    || performance.now() - moved.when > settle || Math.hypot(event.clientX - moved.x, event.clientY - moved.y) > rests;
  if (aimed || !event.target.closest("[data-live-list] :is(button, a)")) return;
  event.preventDefault();
  event.stopImmediatePropagation();
}, { capture: true });

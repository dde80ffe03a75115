// Who works in a list: the pointer, a finger a moment ago, or the focus of the keyboard is in it.
const lingers = 400; // ms that the pointer may be away, on its way back
const touched = 5_000; // ms that a finger may be away, which comes back unseen

const lapses = 45_000; // ms without a move or a key, after which nobody does

let idle = false, lapse = null;
let under = null; // the list that the pointer or a finger is in
let leaving = null; // a timer
const watchers = [];

// listOf is the list that an element is in, or announces the news of.
function listOf(element) {
  const news = element?.closest?.("[data-live-news]");
  return news ? document.querySelector(`[data-live-list="${CSS.escape(news.dataset.liveNews)}"]`) : element?.closest?.("[data-live-list]") ?? null;
}

// isHeld tells whether somebody works in a list.
export const isHeld = (list) => !idle && (list === under || list.querySelector(":focus-visible") !== null);

// whenFree calls done with each list that somebody has just left.
export const whenFree = (done) => { watchers.push(done); };

function free(list) {
  if (list && !isHeld(list)) for (const done of watchers) done(list);
}

function freeAfter(wait) {
  clearTimeout(leaving);
  leaving = setTimeout(() => {
    const left = under;
    under = leaving = null;
    free(left);
  }, wait);
}

function at(list, wait) {
  if (!list) {
    if (under && leaving === null) freeAfter(wait);
    return;
  }
  clearTimeout(leaving);
  leaving = null;
  const before = under;
  under = list;
  if (before !== list) free(before);
  if (wait === touched) freeAfter(wait);
}

// pointerover also comes when the page moves under a resting pointer, so it does not count.
function works() {
  idle = false;
  clearTimeout(lapse);
  lapse = setTimeout(() => {
    idle = true;
    for (const list of new Set([under, listOf(document.activeElement)])) free(list);
  }, lapses);
}
for (const name of ["pointermove", "pointerdown", "keydown"]) addEventListener(name, works, { capture: true, passive: true });
works();

for (const name of ["pointerover", "pointermove", "pointerdown", "pointerup"]) {
  addEventListener(name, ({ target, pointerType }) => at(listOf(target), pointerType === "touch" ? touched : lingers), { capture: true, passive: true });
}
document.documentElement.addEventListener("pointerleave", ({ pointerType }) => {
  if (pointerType !== "touch") at(null, lingers); // a finger that is lifted leaves, too
});
document.addEventListener("visibilitychange", () => {
  if (document.visibilityState === "hidden") freeAfter(0);
});
addEventListener("focusout", ({ target }) => {
  const list = listOf(target);
  if (list) setTimeout(() => free(list), lingers);
});

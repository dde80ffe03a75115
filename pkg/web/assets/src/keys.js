// Single keys, for whoever works through a list by keyboard. They do nothing while somebody types, with a modifier, or while a dialog is
// open, and each person can turn them off (WCAG 2.1.4). A key presses the button or link that says data-key: it carries what was seen, and
// is held up like every other press (steady.js).
import { keep, kept } from "./kept.js";
import { tell } from "./messages.js";

const isOff = () => kept("keys") === "off";
const rows = () => [...document.querySelectorAll("[data-live-list] > [id]:not(.gone)")].filter((row) => row.checkVisibility());
const here = () => document.activeElement?.closest("[data-live-list] > [id]");

// step goes to the next row, or to the one before.
function step(by) {
  const all = rows();
  if (!all.length) return;
  const at = all.indexOf(here());
  const row = all[at < 0 ? (by > 0 ? 0 : all.length - 1) : Math.min(Math.max(at + by, 0), all.length - 1)];
  (row.querySelector(".what a") ?? row.querySelector("a, button"))?.focus({ focusVisible: true });
  row.scrollIntoView({ block: "nearest" });
}

// press presses what a key stands for: in the row that has the focus, or on the page of one thing.
function press(key) {
  const row = here();
  if (!row && rows().length) return tell({ tone: "info", text: "Go to a row first, with j or k." });
  (row ?? document.querySelector("main"))?.querySelector(`[data-key="${key}"]:not([inert], [inert] *)`)?.click();
}

// turn is what stands before or behind, where a page says so; else the arrows scroll as ever.
const turn = (key) => document.querySelector(`main [data-key="${key}"]`);

const sheet = () => document.getElementById("keys");
const acts = {
  j: () => step(1),
  k: () => step(-1),
  a: () => press("a"),
  r: () => press("r"),
  "/": () => document.querySelector("main input[type=search]")?.select(),
  "?": () => sheet()?.showModal(),
  ArrowLeft: () => turn("ArrowLeft").click(),
  ArrowRight: () => turn("ArrowRight").click(),
};

addEventListener("keydown", (event) => {
  const { key, target } = event;
  if (!Object.hasOwn(acts, key) || event.defaultPrevented || event.ctrlKey || event.altKey || event.metaKey || event.isComposing || isOff()) return;
  if (target.matches?.("input, textarea, select, [contenteditable]") || document.querySelector("dialog[open]")) return;
  if (key.startsWith("Arrow") && (event.shiftKey || !turn(key))) return;
  if (event.repeat && key !== "j" && key !== "k") return;
  event.preventDefault();
  acts[key]();
});

addEventListener("click", ({ target }) => {
  if (target.closest?.("[data-keys-open]")) {
    sheet().querySelector("input").checked = !isOff();
    sheet().showModal();
  } else if (target.closest?.("[data-keys-close]")) {
    sheet().close();
  }
});
addEventListener("change", ({ target }) => {
  if (target.id === "keys-on") keep("keys", target.checked ? null : "off");
});

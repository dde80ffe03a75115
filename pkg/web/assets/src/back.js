// Whoever goes back sees what is true: a page of lists, or of one thing, is fetched anew. A page that the browser kept whole can be pressed
// only once it is right again.
import { cache } from "@hotwired/turbo";

const root = document.documentElement;

addEventListener("turbo:load", () => {
  if (document.querySelector("[data-live-list], [data-live-subject]")) cache.exemptPageFromCache();
  else cache.resetCacheControl();
});
addEventListener("pagehide", () => { root.dataset.stale = ""; });
for (const name of ["turbo:render", "live"]) addEventListener(name, () => { delete root.dataset.stale; });
addEventListener("submit", (event) => {
  if (root.dataset.stale === undefined) return;
  event.preventDefault();
  event.stopImmediatePropagation();
}, { capture: true });

// Whoever goes back sees what is true: a page of lists, or of one thing, is fetched anew. A page that the browser kept whole can be pressed
// only once it is right again.
import { cache, session } from "@hotwired/turbo";
import { tell } from "./messages.js";

const root = document.documentElement;

addEventListener("turbo:load", () => {
  if (document.querySelector("[data-live-list], [data-live-subject]")) cache.exemptPageFromCache();
  else cache.resetCacheControl();
});
// The address of a page says which list it was opened from, so that the page knows after each refresh.
addEventListener("turbo:load", () => {
  const { back } = document.querySelector("main").dataset, here = new URL(location);
  if (!back?.includes("?") || here.searchParams.get("back") === back) return;
  here.searchParams.set("back", back);
  session.history.replace(here, session.history.restorationIdentifier);
});
addEventListener("pagehide", () => { root.dataset.stale = ""; });
let late = null, said = null; // timers
let told = null; // a message
for (const name of ["turbo:render", "live"]) {
  addEventListener(name, () => {
    delete root.dataset.stale;
    told?.remove();
  });
}

// Where no socket brings what was missed, the page is fetched.
const noticed = 400, socketTakes = 2_000, fetchTakes = 4_000; // ms
addEventListener("pageshow", () => {
  clearTimeout(late);
  clearTimeout(said);
  const isStale = () => root.dataset.stale !== undefined;
  if (isStale()) said = setTimeout(() => {
    if (isStale()) told = tell({ tone: "info", text: "This page is from before, and is being brought up to date. Its buttons work again then; if it takes long, reload the page." });
  }, noticed);
  if (isStale()) late = setTimeout(() => {
    if (!isStale()) return;
    session.refresh(document.baseURI, { method: "morph", scroll: "preserve" });
    late = setTimeout(() => {
      if (isStale()) tell({ tone: "bad", text: "This page may be out of date: the server cannot be reached. Nothing can be pressed until it is live." });
    }, fetchTakes);
  }, socketTakes);
});
addEventListener("submit", (event) => {
  if (root.dataset.stale === undefined || event.target.method === "get") return;
  event.preventDefault();
  event.stopImmediatePropagation();
  tell({ tone: "warning", text: "Not sent: this page is being brought up to date. What you typed is kept; please send it again once the page is live." });
}, { capture: true });

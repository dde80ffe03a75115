// The title and the icon of a page of payments say how many wait. After a press on the bell the browser tells of a new one while nobody
// looks at the page; that is remembered in this browser alone.
import { keep, kept } from "./kept.js";
import { tell } from "./messages.js";

const remembered = "notify-of-waiting";
const count = () => document.querySelector('[data-live-fragment="waiting-count"]')?.textContent.replace(/\D/g, "") ?? ""; // without what a language puts between digits
const bell = () => document.querySelector("[data-notify]");
const canNotify = "Notification" in window;
const isOn = () => canNotify && kept(remembered) === "on" && Notification.permission === "granted";

let before = null; // how many waited

function show() {
  const n = count();
  const title = document.title.replace(/^\(\d+\) /, "");
  const titled = n ? `(${n}) ${title}` : title;
  if (document.title !== titled) document.title = titled;
  draw(n);
  if (bell() && canNotify) {
    bell().hidden = false;
    bell().setAttribute("aria-pressed", isOn());
  }
  const more = before !== null && Number(n) > before;
  before = count() || document.querySelector('[data-live-fragment="waiting-count"]') ? Number(n) : null;
  if (more && document.visibilityState === "hidden" && bell() && isOn()) notify(n);
}

// notify tells of it, where the browser lets a page do so: those of phones have it and refuse.
function notify(n) {
  try {
    new Notification("A new payment waits", { body: `${n} wait for a decision`, tag: remembered });
  } catch {
    keep(remembered, null);
    tell({ tone: "warning", text: "This browser lets pages show no notification. The title says how many wait." });
    show();
  }
}

// draw puts the number into the icon, in place of its sign.
function draw(n) {
  const icon = document.querySelector("link[rel=icon]");
  if (!icon) return;
  icon.dataset.plain ??= icon.href;
  const shown = Number(n) > 99 ? "99+" : n;
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24"><circle cx="12" cy="12" r="12" fill="#066fd1"/><text x="12" y="17" font-family="sans-serif" font-size="${shown.length > 2 ? 10 : 14}" font-weight="700" text-anchor="middle" fill="white">${shown}</text></svg>`;
  const href = n ? `data:image/svg+xml,${encodeURIComponent(svg)}` : icon.dataset.plain;
  if (icon.href !== href) icon.href = href;
}

addEventListener("click", async ({ target }) => {
  if (!target.closest?.("[data-notify]")) return;
  if (isOn()) keep(remembered, null);
  else if ((await Notification.requestPermission()) === "granted") keep(remembered, "on");
  else tell({ tone: "info", text: "Your browser does not let this page notify you. Its settings for this site can allow it." });
  show();
});
new MutationObserver(show).observe(document.documentElement, { childList: true, subtree: true, characterData: true });
addEventListener("turbo:render", show);
show();

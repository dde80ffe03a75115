// A list whose newest rows come by themselves (data-follow) is fetched again when something has happened, and says how many rows wait while
// it is paused, or somebody works in it with the keyboard.
let paused = false, due = null, last = -Infinity;
const pause = 1000; // ms between two looks, of which each serves all that has happened meanwhile
const rows = (root) => [...root.querySelectorAll("tr[data-position]")];
const followed = () => document.querySelector("[data-follow]");
const positionOf = (row) => Number(row.dataset.position);
const newest = (list) => Math.max(0, ...rows(list).map(positionOf));

function show(list, waiting) {
  const more = waiting.length && waiting.length === rows(list).length ? "+" : "";
  const toggle = document.querySelector("[data-follow-toggle]"), news = document.querySelector("[data-follow-news]");
  toggle.hidden = false;
  toggle.textContent = paused ? "Go on" : "Pause";
  const words = waiting.length ? `${waiting.length}${more} new` : "";
  if (news.textContent === words) return;
  if (!words) return news.replaceChildren();
  const there = news.querySelector("button");
  if (there) return void (there.textContent = words);
  const button = Object.assign(document.createElement("button"), { type: "button", className: "btn btn-primary btn-sm", textContent: words });
  button.addEventListener("click", () => look(true));
  news.replaceChildren(button);
}

// look fetches the page, which is the list's first, and shows what it has, or how much of it waits.
async function look(now = false) {
  const list = followed();
  if (!list) return;
  last = performance.now();
  const answer = await fetch(location.href, { headers: { "Page-Refresh": "1" } }).catch(() => null);
  if (!answer?.ok || answer.redirected || list !== followed()) return;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("[data-follow]");
  if (!page) return;
  const before = newest(list), come = rows(page).filter((row) => positionOf(row) > before);
  if (!now && (paused || list.querySelector(":focus-visible"))) return show(list, come);
  list.replaceChildren(...page.childNodes);
  for (const row of rows(list)) row.classList.toggle("changed", positionOf(row) > before);
  show(list, []);
  if (now) rows(list)[0]?.querySelector("a")?.focus();
}

function soon() {
  if (!followed() || due !== null || document.visibilityState !== "visible") return;
  due = setTimeout(() => {
    due = null;
    look();
  }, Math.max(0, last + pause - performance.now()));
}

addEventListener("happened", soon); // the live connection says so
document.addEventListener("visibilitychange", soon);
addEventListener("turbo:load", () => {
  paused = false;
  if (followed()) show(followed(), []);
});
addEventListener("click", ({ target }) => {
  if (!target.closest?.("[data-follow-toggle]")) return;
  paused = !paused;
  if (followed()) show(followed(), []);
  look();
});

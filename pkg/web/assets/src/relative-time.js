// Keeps "2 min ago" true while the page stays open, with the same words as the server's
// (relativeTime in time.go), and shows the exact time in the reader's own zone on hover.
export function relative(then, now) {
  const seconds = Math.round((now - then) / 1000);
  if (seconds < 45) return "just now";
  const minutes = Math.round(seconds / 60);
  if (minutes < 60) return `${minutes} min ago`;
  const hours = Math.round(seconds / 3600);
  if (hours < 24) return `${hours} h ago`;
  const days = Math.round(seconds / 86400);
  if (days === 1) return "yesterday";
  if (days < 30) return `${days} days ago`;
  return then.toLocaleDateString("en-GB", { day: "numeric", month: "short", year: "numeric" });
}

const exact = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "medium" });

function update(root = document) {
  const now = Date.now();
  for (const element of root.querySelectorAll("time[data-relative]")) {
    const then = new Date(element.dateTime);
    const words = relative(then, now);
    if (element.textContent !== words) element.textContent = words;
    element.title = exact.format(then);
  }
}

setInterval(update, 20_000);
addEventListener("turbo:load", () => update());
addEventListener("turbo:render", () => update());

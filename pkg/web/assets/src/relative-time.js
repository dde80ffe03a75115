// Keeps "2 min ago" and "in 23 h" true while the page stays open, with the same words as the server's
// (relativeTime in time.go), and shows the exact time in the reader's own zone on hover.
export function relative(then, now) {
  let seconds = Math.round((now - then) / 1000);
  const future = seconds < 0;
  seconds = Math.abs(seconds);
  const phrase = (n, unit) => (future ? `in ${n} ${unit}` : `${n} ${unit} ago`);
  if (seconds < 45) return "just now";
  const minutes = Math.round(seconds / 60);
  if (minutes < 60) return phrase(minutes, "min");
  const hours = Math.round(seconds / 3600);
  if (hours < 24) return phrase(hours, "h");
  const days = Math.round(seconds / 86400);
  if (days === 1) return future ? "tomorrow" : "yesterday";
  if (days < 30) return phrase(days, "days");
  return then.toLocaleDateString("en-GB", { day: "numeric", month: "short", year: "numeric" });
}

const toTheMinute = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "short" });
const exact = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "medium" });

const words = {
  "time[data-relative]": (at, now) => relative(at, now),
  "time[data-to-the-minute]": (at) => toTheMinute.format(at),
  "time[data-exact]": (at) => exact.format(at),
};

function update() {
  const now = Date.now();
  for (const [selector, say] of Object.entries(words)) {
    for (const element of document.querySelectorAll(selector)) {
      const at = new Date(element.dateTime);
      const said = say(at, now);
      if (element.textContent !== said) element.textContent = said;
      element.title = exact.format(at);
    }
  }
}

setInterval(update, 20_000);
addEventListener("turbo:load", () => update());
addEventListener("turbo:render", () => update());

// Keeps "2 min ago" and "in 23 h" true while the page stays open, with the same words as the server's
// (relativeTime in time.go), and shows the exact time in the reader's own zone on hover. Where an exact time stands, it is in that zone too,
// and the server's, in UTC, is its title. Dates are in the order and the names of the locale that the server has chosen.
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
  return day.format(then);
}

const locale = document.querySelector("meta[name=locale]")?.content ?? "en";
const day = new Intl.DateTimeFormat(locale === "en" ? "en-GB" : locale, { dateStyle: "medium" });
const clock = (options) => new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", hourCycle: "h23", ...options });
const minute = clock(), second = clock({ second: "2-digit" });
const toTheMinute = { format: (at) => `${day.format(at)}, ${minute.format(at)}` };
const exact = { format: (at) => `${day.format(at)}, ${second.format(at)}` };

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
      if (element.dataset.relative !== undefined) element.title = exact.format(at);
    }
  }
}

setInterval(update, 20_000);
addEventListener("turbo:load", () => update());
addEventListener("turbo:render", () => update());

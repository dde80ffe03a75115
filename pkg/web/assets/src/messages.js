// Messages float over the page and stay, whatever comes below them, until somebody has read them: what went well for ten seconds of being
// visible; what went wrong until it is dismissed, or something has gone well since. A screen reader reads each once, when it comes.
const read = 10_000, tick = 500; // ms

const told = new Set(); // ids
const shown = new WeakMap(); // messages, for how long they were visible, in ms
let over = new WeakSet(); // messages of what went wrong before something went well

const region = () => document.getElementById("flashes");
const words = (message) => {
  const copy = message.cloneNode(true);
  for (const time of copy.querySelectorAll("time, button")) time.remove();
  return [copy.textContent.replace(/\s+/g, " ").trim(), ...[...copy.querySelectorAll("a")].map((a) => a.href)].join(" ");
};

function show(message) {
  const said = words(message);
  for (const other of [...region().children]) {
    if (other !== message && words(other) === said) other.remove();
  }
  if (message.matches(".tone-bad, .tone-warning")) message.setAttribute("role", "alert");
  region().append(message);
  shown.set(message, 0);
}

// take shows what a page has to say.
function take(page) {
  for (const message of [...page.querySelectorAll("#flashes > .flash")]) {
    if (told.has(message.id) && !shown.has(message)) message.remove(); // a page shown again
    if (told.has(message.id)) continue;
    told.add(message.id);
    show(document.adoptNode(message));
  }
}
take(document); // anew, for screen readers
addEventListener("turbo:before-render", ({ detail }) => take(detail.newBody));
addEventListener("turbo:render", () => take(document)); // an error's page comes whole
document.addEventListener("page-came", ({ detail }) => take(detail));

// tell shows a message of a script's own: its text, what somebody wrote, and what can be pressed.
export function tell({ tone, text, typed, press }) {
  const message = Object.assign(document.createElement("div"), { className: `flash tone-${tone}` });
  const body = document.createElement("div");
  body.append(text);
  if (typed) body.append(Object.assign(document.createElement("div"), { className: "mt-2 pre-line text-break", textContent: `You wrote: “${typed}”` }));
  if (press) {
    const button = Object.assign(document.createElement("button"), { type: "button", className: "btn btn-sm mt-2", textContent: press.label });
    button.addEventListener("click", press.run);
    body.append(button);
  }
  const close = Object.assign(document.createElement("button"), { type: "button", className: "flash-close" });
  close.dataset.dismiss = "";
  close.setAttribute("aria-label", "Dismiss");
  message.append(body, close);
  show(message);
  return message;
}
document.addEventListener("tell", ({ detail }) => tell(detail));

setInterval(() => {
  if (document.visibilityState !== "visible") return;
  for (const message of [...region()?.children ?? []]) {
    if (message.matches(":hover, :focus-within")) continue;
    shown.set(message, (shown.get(message) ?? 0) + tick);
    if (shown.get(message) >= read && (over.has(message) || !message.matches(".tone-bad, .tone-warning"))) message.remove();
  }
}, tick);
addEventListener("turbo:submit-end", ({ target, detail }) => {
  if (detail.success && target.method === "post") over = new WeakSet(region().children);
});
addEventListener("turbo:submit-end", ({ target, detail }) => { // what a message offered is done
  if (detail.success) target.closest("#flashes > .flash")?.remove();
});
addEventListener("click", ({ target }) => target.closest?.("[data-dismiss]")?.closest(".flash")?.remove());

// Small comforts; every form works without them.

// What is chosen in a filter applies at once, and the "Signed in as" select sends itself. Another person's page is another
// document, so that sockets and caches of the one before are gone.
//
// Whoever goes through a closed select by keyboard passes by others on the way: then it is for Enter, or the button, to send it.
let byKeyboard = null;
addEventListener("pointerdown", () => { byKeyboard = null; }, { capture: true });
addEventListener("keydown", (event) => {
  const { target, key } = event;
  if (!target.matches?.("form[data-submit-on-change][method=get] select")) return;
  if (key === "Enter" && byKeyboard === target) {
    event.preventDefault();
    send(target);
  }
  byKeyboard = target;
}, { capture: true });
addEventListener("change", ({ target }) => {
  if (target !== byKeyboard && target.matches?.("form[data-submit-on-change] :is(select, pick-from)")) send(target);
});

// send sends a field's form. The focus stays in the field, on the page that comes.
function send(field) {
  const form = field.closest("form"), name = field.getAttribute("name");
  if (name && form.contains(document.activeElement)) {
    addEventListener("turbo:render", () => {
      document.querySelector(`form[data-submit-on-change] [name="${CSS.escape(name)}"]`)?.focus();
    }, { once: true });
  }
  form.requestSubmit();
}

// A form says whose page it was on: the browser may be somebody else's by now.
addEventListener("turbo:before-fetch-request", ({ detail }) => {
  detail.fetchOptions.headers["Page-Of"] = document.querySelector("meta[name=person]")?.content ?? "";
});

// A message survives the refreshes that live updates cause, until people go elsewhere.
addEventListener("turbo:before-morph-element", (event) => {
  const { target, detail } = event;
  if (target.id === "flashes" && !detail.newElement?.children.length) event.preventDefault();
});

// What someone is typing survives as well: a form that was touched is left as it is until it is sent, but for what it says of the
// quantity that was seen: what is typed is the quantity wanted, whatever there is by now.
addEventListener("input", (event) => event.target.form?.setAttribute("data-touched", ""));
addEventListener("turbo:before-morph-element", (event) => {
  const { target, detail } = event;
  if (!target.matches?.("form[data-touched]")) return;
  event.preventDefault();
  const [seen, now] = [target, detail.newElement].map((form) => form?.querySelector("input[type=hidden][name=seen]"));
  if (seen && now) seen.value = now.value;
});
// Once it has done its work, it is empty for the next.
addEventListener("turbo:submit-end", ({ target, detail }) => {
  if (!detail.fetchResponse) return; // it could not be sent, and stays as it is
  target.removeAttribute("data-touched");
  if (!detail.success || target.method !== "post") return;
  target.reset();
  for (const select of target.querySelectorAll("select")) delete select.dataset.changed;
});
// What went wrong before is no news any more; what this one says comes with its page.
addEventListener("turbo:submit-end", ({ target, detail }) => {
  if (!detail.success || target.method !== "post") return;
  for (const flash of document.querySelectorAll("#flashes :is(.tone-bad, .tone-warning)")) flash.remove();
});
// Then the next one begins, or what is wrong is mended: what comes back with what was typed is as if it were being typed.
const fields = "input:not([type=hidden]), textarea, select";
addEventListener("turbo:submit-end", ({ target, detail }) => {
  if (target.method !== "post" || !detail.fetchResponse) return;
  const { id, action } = target;
  addEventListener("turbo:render", () => {
    const form = [...document.forms].find((f) => (id ? f.id === id : f.action === action && f.method === "post"));
    if (!detail.success) {
      if (form?.querySelector(fields)) form.setAttribute("data-touched", "");
      document.querySelector("[aria-invalid=true]")?.focus();
    } else if (form?.matches("[data-again]")) {
      form.querySelector(fields)?.focus();
    }
  }, { once: true });
});

// What went well is read within some seconds; the rest stays until somebody has read it.
const read = 10_000;
const shown = new WeakMap(); // elements, and the message that each is timed for: a page shown again may put another one into it
for (const name of ["turbo:load", "turbo:render"]) {
  addEventListener(name, () => {
    for (const flash of document.querySelectorAll("#flashes .tone-good")) {
      const { id } = flash;
      if (shown.get(flash) === id) continue;
      shown.set(flash, id);
      setTimeout(() => { if (flash.id === id) flash.remove(); }, read);
    }
  });
}
addEventListener("click", ({ target }) => target.closest?.("[data-dismiss]")?.closest(".flash")?.remove());

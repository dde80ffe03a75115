// Small comforts; every form works without them.

// What is chosen in a filter applies at once, and the "Signed in as" select sends itself. Another person's page is another
// document, so that sockets and caches of the one before are gone.
addEventListener("change", ({ target }) => {
  if (target.matches?.("form[data-submit-on-change] :is(select, pick-from)")) target.closest("form").requestSubmit();
});

// A form says whose page it was on: the browser may be somebody else's by now.
addEventListener("turbo:before-fetch-request", ({ detail }) => {
  detail.fetchOptions.headers["Page-Of"] = document.querySelector("meta[name=person]")?.content ?? "";
});

// A message survives the refreshes that live updates cause, until people go elsewhere.
addEventListener("turbo:before-morph-element", (event) => {
  const { target, detail } = event;
  if (target.id === "flashes" && !detail.newElement?.children.length) event.preventDefault();
});

// What someone is typing survives as well: a form that was touched is left as it is until it is sent.
addEventListener("input", (event) => event.target.form?.setAttribute("data-touched", ""));
addEventListener("turbo:before-morph-element", (event) => {
  if (event.target.matches?.("form[data-touched]")) event.preventDefault();
});
// Once it has done its work, it is empty for the next.
addEventListener("turbo:submit-end", ({ target, detail }) => {
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
// Then the next one begins, or what is wrong is mended.
addEventListener("turbo:submit-end", ({ target, detail }) => {
  if (target.method !== "post") return;
  addEventListener("turbo:render", () => {
    const form = document.getElementById(target.id);
    if (!detail.success) document.querySelector("[aria-invalid=true]")?.focus();
    else if (form?.matches("[data-again]")) form.querySelector("input:not([type=hidden]), select")?.focus();
  }, { once: true });
});

// What went well is read within some seconds; the rest stays until somebody has read it.
const read = 10_000;
const done = new WeakSet();
for (const name of ["turbo:load", "turbo:render"]) {
  addEventListener(name, () => {
    for (const flash of document.querySelectorAll("#flashes .tone-good")) {
      if (!done.has(flash)) setTimeout(() => flash.remove(), read);
      done.add(flash);
    }
  });
}
addEventListener("click", ({ target }) => target.closest?.("[data-dismiss]")?.closest(".flash")?.remove());

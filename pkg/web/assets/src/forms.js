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

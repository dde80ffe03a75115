// Small comforts; every form works without them.
import { sending } from "../../../live/client/refresher.js";

// What is chosen in a filter applies at once, a draft's customer is picked at once, and the "Signed in as" select sends itself.
// Another person's page is another document, so that sockets and caches of the one before are gone. A filter may be emptied; what
// changes something needs a choice. Where more is to be filled in, data-submit-on-enter sends what is chosen by Enter alone.
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
  const form = target.closest?.("form[data-submit-on-change]");
  if (!form || target === byKeyboard || !target.matches("select, pick-from")) return;
  if (form.method === "get" || target.value) send(target);
});
addEventListener("pick-by-enter", ({ target }) => {
  if (target.matches("form[data-submit-on-enter] pick-from")) target.closest("form").requestSubmit();
});

// A search goes on as one types. What comes is the same page, in which the focus and what is typed stay.
const pause = 200; // ms
let typing = null;
addEventListener("input", ({ target }) => {
  const form = target.closest?.("form[role=search]");
  if (!form || !target.matches("[type=search]")) return;
  clearTimeout(typing);
  typing = setTimeout(() => search(form), pause);
});
for (const name of ["submit", "turbo:click"]) { // it goes, or its person does
  addEventListener(name, ({ target }) => { if (target.method !== "post") clearTimeout(typing); }, { capture: true });
}

function search(form) {
  if (!form.isConnected) return;
  if (isBusy()) {
    typing = setTimeout(() => search(form), 50);
    return;
  }
  form.dataset.turboAction = "replace";
  form.requestSubmit();
}

// What is sent aborts what is under way: a former search may be, and nothing that changes something.
let changes = false; // what was sent last
addEventListener("turbo:submit-start", ({ target }) => { changes = target.method === "post"; });
const isBusy = () => changes && sending();

// send sends a field's form. The focus stays in the field, on the page that comes.
function send(field) {
  const form = field.closest("form"), name = field.getAttribute("name");
  if (form.method === "get" && isBusy()) {
    setTimeout(() => { if (field.isConnected) send(field); }, 50);
    return;
  }
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

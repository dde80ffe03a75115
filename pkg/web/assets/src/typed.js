// What somebody types is theirs: a form that was touched is left as it is until it is sent, whatever the page becomes meanwhile.
import { answerTo } from "../../../live/client/refresher.js";
import { tell } from "./messages.js";
import { sentFields, fields, fieldsOf, nameOf } from "./sending.js";

const match = (name, root) => [...root.querySelectorAll("form")].find((f) => nameOf(f) === name);

addEventListener("input", ({ target }) => target.form?.setAttribute("data-touched", ""));
let typedOn = null; // a form that somebody went on typing in while it was sent, until its answer is there
const theirs = new Set(); // its fields that have changed since

addEventListener("turbo:before-morph-element", (event) => {
  const { target, detail: { newElement } } = event;
  if (theirs.has(target)) event.preventDefault();
  if (!target.matches?.("form[data-touched]")) return;
  event.preventDefault();
  if (!newElement || nameOf(newElement) !== nameOf(target)) return;
  target.setAttribute("action", newElement.getAttribute("action")); // a list's view, say, as it is now
  if (target === typedOn || target.method === "get") takeHidden(target, newElement);
});
addEventListener("turbo:render", () => {
  typedOn = null;
  theirs.clear();
});

// takeHidden takes what is nobody's to type: the key of the next press, what was seen, the search that a filter goes with.
function takeHidden(form, page) {
  const hidden = (of) => [...of.querySelectorAll("input[type=hidden]")].filter((field) => !field.closest("pick-from"));
  for (const field of hidden(form)) field.remove();
  form.prepend(...hidden(page).map((field) => field.cloneNode()));
}

// A form that the page has no more, since somebody else was first, goes all the same, and what was typed is offered for copying.
addEventListener("turbo:before-render", ({ detail: { newBody } }) => {
  const [main, next] = [document, newBody].map((page) => page.querySelector("main"));
  if (!next || main.dataset.liveSubject === undefined || main.dataset.liveSubject !== next.dataset.liveSubject) return;
  for (const form of main.querySelectorAll("form[data-touched]")) {
    if (match(nameOf(form), next)) continue;
    form.removeAttribute("data-touched");
    const typed = [...form.querySelectorAll(fields)].filter((f) => f.value.trim() && f.value !== f.defaultValue).map((f) => f.value).join("\n");
    if (!typed) continue;
    const copy = { label: "Copy", run: ({ target }) => navigator.clipboard.writeText(typed).then(() => { target.textContent = "Copied"; }) };
    tell({ tone: "warning", text: `${next.dataset.now ?? "Changed"} meanwhile. What you were writing was not sent.`, typed, press: navigator.clipboard && copy });
  }
});

// What was sent is what the page has, unless somebody has gone on typing: then what is done leaves the form to them, and what is refused
// leaves them those fields. A form for several things is empty for the next one.
addEventListener("turbo:submit-end", ({ target, detail }) => {
  if (!answerTo(detail)) return; // it could not be sent, and stays as it is
  if (target.method !== "post") {
    if (!detail.success) target.removeAttribute("data-touched"); // a filter that is not right: the same page says why
    return;
  }
  if (sentFields() !== fieldsOf(target)) {
    typedOn = target;
    if (detail.success) return;
    const sent = JSON.parse(sentFields());
    [...target.querySelectorAll(fields)].forEach((field, i) => { if (field.value !== sent[i]) theirs.add(field); });
  }
  target.removeAttribute("data-touched");
  if (!detail.success) return;
  if (target.matches("[data-again]")) target.reset();
  for (const field of target.querySelectorAll(fields)) {
    if (field instanceof HTMLSelectElement) delete field.dataset.changed;
    else if (!target.matches("[data-again]")) field.defaultValue = field.value;
  }
});
// Then the next one begins, or what is wrong is mended: what comes back with what was typed is as if it were being typed.
addEventListener("turbo:submit-end", ({ target, detail }) => {
  if (target.method !== "post" || !answerTo(detail)) return;
  const name = nameOf(target);
  addEventListener("turbo:render", () => {
    const form = match(name, document);
    if (!detail.success) {
      if (form?.querySelector(fields)) form.setAttribute("data-touched", "");
      document.querySelector("[aria-invalid=true]")?.focus();
    } else if (form?.matches("[data-again]")) {
      form.querySelector(fields)?.focus();
    }
  }, { once: true });
});

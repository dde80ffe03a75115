// One form is sent after the other: Turbo would abort the one that is under way. The same one pressed twice is sent once, unless something
// else has been typed into it meanwhile. One that says what its person has seen is not sent when that has changed.
import { onItsWay, sending } from "../../../live/client/refresher.js";
import { tell } from "./messages.js";

export const fields = "input:not([type=hidden]), textarea, select";
export const fieldsOf = (form) => JSON.stringify([...form.querySelectorAll(fields)].map((f) => f.value));

// nameOf is what a form is known by on the pages that it is on. Its properties may be fields of those names.
export const nameOf = (form) => form.getAttribute("id") ?? `${form.getAttribute("method")} ${form.getAttribute("action")}`;

let sent = null; // the last form that was sent, and how
const next = []; // those that were pressed meanwhile
let timer = null;

export const sentFields = () => sent?.fields;

// seenIn is what a form says that its person has seen.
const seenIn = (form) => JSON.stringify([...form.querySelectorAll("[name=seen], [name=sequence], [name=total]")].map((f) => f.value));

const describe = (form, submitter) => ({
  form, submitter, seen: seenIn(form), fields: fieldsOf(form),
  button: JSON.stringify([submitter?.formAction, submitter?.name, submitter?.value]),
});
const isSame = (a, b) => nameOf(a.form) === nameOf(b.form) && a.button === b.button && a.fields === b.fields;

addEventListener("submit", (event) => {
  const { target: form, submitter } = event;
  if (isOurs(form) && !waits(event, form, submitter)) sent = describe(form, submitter);
}, { capture: true });
// Turbo drops a press of the button that is under way, and so the key Enter in its form, before it is a submission.
addEventListener("click", (event) => {
  const button = event.target.closest?.("form button[type=submit][aria-disabled=true]");
  if (button && isOurs(button.form)) waits(event, button.form, button);
}, { capture: true });

const isOurs = (form) => form.method !== "get" && !form.closest("[data-turbo=false], [data-live-list]");

// waits has a press wait for the one that is under way, if any.
function waits(event, form, submitter) {
  if (!sending()) return false;
  event.preventDefault();
  event.stopImmediatePropagation();
  const pressed = describe(form, submitter);
  const before = next.at(-1) ?? (onItsWay() && sent);
  if (before && isSame(before, pressed)) return true;
  const again = next.findIndex((p) => p.form === form && p.button === pressed.button);
  if (again >= 0) next.splice(again, 1);
  next.push(pressed);
  timer ??= setInterval(goOn, 30);
  return true;
}

function goOn() {
  if (sending()) return;
  const { form, submitter, button, seen } = next.shift() ?? {};
  if (!next.length) {
    clearInterval(timer);
    timer = null;
  }
  const here = form?.isConnected ? form : form && [...document.forms].find((f) => nameOf(f) === nameOf(form));
  const press = here && [submitter, ...here.querySelectorAll("button")].find((b) => b?.form === here && describe(here, b).button === button);
  if (here && seenIn(here) !== seen) {
    const now = here.dataset.seen ? ` The total is now ${here.dataset.seen}.` : "";
    tell({ tone: "warning", text: `Not sent: this has changed since you pressed.${now} Press again if you agree.` });
  } else if (here && (press || !submitter)) here.requestSubmit(press);
  else if (form) tell({ tone: "warning", text: "Not sent: what you pressed is no longer on the page." });
}

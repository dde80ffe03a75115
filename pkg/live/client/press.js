// A button in a row of a list is pressed without leaving the list, and beside any others that are under way: Turbo would abort the one when
// the next is pressed.
import { again, isRefused } from "./order.js";
import { takePage } from "./page.js";

const tell = (detail) => document.dispatchEvent(new CustomEvent("tell", { detail }));

addEventListener("submit", (event) => {
  const { target: form, submitter } = event;
  if (form.method !== "post" || !form.closest("[data-live-list] > [id]")) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  if (form.ariaBusy !== "true") send(form, submitter);
}, { capture: true });

const patience = 20_000; // ms
const notSent = "Not sent: the server cannot be reached. Please press again once the page is live.";
const lost = "No answer came: it may have been done. Pressing again does nothing twice.";

async function ask(form, submitter) {
  const answer = await fetch(form.action, {
    method: "post", body: new URLSearchParams(new FormData(form, submitter)), keepalive: true, signal: AbortSignal.timeout(patience),
    headers: { Accept: "text/html", "Page-Of": document.querySelector("meta[name=person]")?.content ?? "" },
  });
  return [answer, await answer.text()];
}

async function send(form, submitter) {
  form.ariaBusy = "true";
  submitter?.setAttribute("aria-disabled", "true");
  const canGo = navigator.onLine;
  try {
    const [answer, text] = await ask(form, submitter).catch(() => []);
    if (!answer) return tell({ tone: "bad", text: canGo ? lost : notSent });
    if (answer.ok) { // what a message offers of the same is done
      for (const same of document.querySelectorAll(`#flashes form[action="${CSS.escape(form.getAttribute("action"))}"]`)) same.closest(".flash").remove();
    }
    if (answer.redirected && isRefused(answer)) { // the server has done what it could, and only the list was refused
      tell({ tone: "info", text: "Sent. The server is busy: what became of it follows by itself." });
      return dispatchEvent(new CustomEvent("behind", { detail: { why: "busy", wait: again(answer) } }));
    }
    if (isRefused(answer)) return tell({ tone: "bad", text: "Not done: the server is busy, and nothing was changed. Please press again in a few seconds." });
    const page = new DOMParser().parseFromString(text, "text/html");
    takePage(page);
    document.dispatchEvent(new CustomEvent("page-came", { detail: page }));
    const error = page.querySelector(".empty-state h1 + p");
    if (!answer.ok && error) tell({ tone: "bad", text: `Not done: ${error.textContent}` });
  } finally {
    form.ariaBusy = null;
    submitter?.removeAttribute("aria-disabled");
  }
}

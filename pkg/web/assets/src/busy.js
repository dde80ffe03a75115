// A server that is busy refuses before it has done anything, and says when to ask again (Retry-After). An open page stays as it is then:
// what it fetched it fetches again, a form keeps what is typed in it, and the header says that the page is behind.
import { session } from "@hotwired/turbo";
import { onItsWay, refusals } from "../../../live/client/refresher.js";
import { again, isRefused } from "../../../live/client/order.js";
import { tell } from "./messages.js";

const notDone = (why) => `Not done: ${why}, and nothing was changed. What you typed is kept; please send it again in a few seconds.`;
const comes = "The server is busy. The page that you asked for comes by itself, as soon as it can.";
const follows = "Sent. The server is busy: what became of it follows by itself, as soon as it can.";

let tries = 0;
let timer = null, from = null; // of the page that comes later, and where it was asked for
let told = null; // a message

// later shows another page in a while, unless its person has gone on to something else by then.
function later(response, url, action, text) {
  if (text) told ??= tell({ tone: "info", text });
  forget();
  from = document.baseURI;
  timer = setTimeout(() => {
    timer = null;
    session.visit(url, { action });
  }, again(response, tries++));
  isBehind("busy");
}
const isBehind = (why, wait) => dispatchEvent(new CustomEvent("behind", { detail: { why, wait } }));
function forget() {
  clearTimeout(timer);
  timer = null;
}
addEventListener("turbo:submit-start", forget);
addEventListener("turbo:visit", ({ detail: { url } }) => { if (url !== document.baseURI) forget(); });
addEventListener("turbo:render", () => {
  tries = 0;
  if (timer !== null && from === document.baseURI) return; // the page has only fetched itself
  forget();
  told?.remove();
  told = null;
});

addEventListener("turbo:before-fetch-response", (event) => {
  if (event.target.closest?.("a")) return; // it is fetched ahead, and nobody waits for it yet
  const { fetchResponse } = event.detail, { response } = fetchResponse;
  const { currentVisit: visit, formSubmission: form } = session.navigator;
  if (onItsWay()) answered(event, form, fetchResponse);
  else if (visit?.isPageRefresh && visit.location.href === document.baseURI) refreshed(event, visit, response);
  else if (visit && isRefused(response) && visit.action !== "restore" && !document.documentElement.hasAttribute("data-turbo-preview")) {
    event.preventDefault();
    visit.fail();
    later(response, visit.location.href, visit.action, !visit.isPageRefresh && comes);
  }
});

// answered is for a form. One that was done leads to a page, which may be what is refused.
function answered(event, form, fetchResponse) {
  const { response } = fetchResponse;
  if (!isRefused(response)) return;
  event.preventDefault();
  refusals.add(fetchResponse);
  if (form.isSafe) later(response, form.location.href, form.formElement.dataset.turboAction ?? "advance");
  else if (response.redirected) later(response, response.url, "advance", follows);
  else tell({ tone: "bad", text: notDone(response.status === 429 ? "too much was asked from here at once" : "the server is busy") });
}

// refreshed is for a page that fetches itself. It stays, too, where the server has another reason to be unable.
function refreshed(event, visit, response) {
  if (![429, 502, 503, 504].includes(response.status)) return;
  event.preventDefault();
  visit.fail();
  isBehind(isRefused(response) ? "busy" : "unable", again(response, tries++));
}

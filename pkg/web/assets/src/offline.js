// Without the network everything stays where it is, and says so.
import { session } from "@hotwired/turbo";
import { tell } from "./messages.js";

const notSent = "Not sent: the server cannot be reached. What you typed is kept; please send it again once the page is live.";
const lost = "No answer came: it may have been done. What you typed is kept, and sending it again does nothing twice.";
const notSwitched = "Not sent: the server cannot be reached. Please try again once the page is live.";
const tellBad = (text) => tell({ tone: "bad", text });
const notLeft = () => tellBad("This page cannot be left: the server cannot be reached. Please try again once the page is live.");

let canGo = true; // what was sent last
addEventListener("turbo:submit-start", () => { canGo = navigator.onLine; });

// Turbo would leave for the browser's error page when a visit fails.
addEventListener("turbo:fetch-request-error", (event) => {
  const { request } = event.detail;
  const { currentVisit: visit, formSubmission: form } = session.navigator;
  event.preventDefault();
  if (form?.fetchRequest === request) {
    tellBad(canGo ? lost : notSent);
  } else if (visit?.request === request) {
    if (!visit.isPageRefresh) notLeft();
    visit.fail();
  }
});

// What the browser does itself, without Turbo.
addEventListener("click", (event) => {
  const link = event.target.closest?.("a[href][data-turbo=false], [data-turbo=false] a[href]");
  if (navigator.onLine || !link) return;
  event.preventDefault();
  notLeft();
}, { capture: true });
addEventListener("submit", (event) => {
  if (navigator.onLine || !event.target.closest("[data-turbo=false]")) return;
  event.preventDefault();
  event.target.reset();
  tellBad(notSwitched);
}, { capture: true });

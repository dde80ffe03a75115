// Without the network everything stays where it is, and says so.
import { session } from "@hotwired/turbo";
import { tell } from "./messages.js";

const notSent = () => tell({ tone: "bad", text: "Not sent: the server cannot be reached. What you typed is kept; please send it again once the page is live." });
const notLeft = () => tell({ tone: "bad", text: "This page cannot be left: the server cannot be reached. Please try again once the page is live." });

// Turbo would leave for the browser's error page when a visit fails.
addEventListener("turbo:fetch-request-error", (event) => {
  const { request } = event.detail;
  const { currentVisit: visit, formSubmission: form } = session.navigator;
  event.preventDefault();
  if (form?.fetchRequest === request) {
    notSent();
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
  notSent();
}, { capture: true });

// Fetches the page anew and morphs it in: at once, and the less often the more there is to show; again until it has rendered
// (Turbo skips a refresh while a visit is running), and only while the server answers (Turbo reloads the window when a visit
// fails). Never while a form is being sent: Turbo would abort the sending.
import { session } from "@hotwired/turbo";

const least = 250, most = 2000; // ms between two
const calm = 2 * most;

session.pageRefreshDebouncePeriod = 0; // a form that is sent between the look for one and the refresh would be aborted

// From the press of a button until the page that answers it is there: Turbo drops the answer when another visit comes between.
let sent = -Infinity, loaded = false;
addEventListener("turbo:submit-start", () => { loaded = false; });
addEventListener("turbo:submit-end", () => { if (!loaded) sent = performance.now(); });
addEventListener("turbo:load", () => { sent = -Infinity; loaded = true; });

// onItsWay tells whether a form is, without an answer yet.
export function onItsWay() {
  const state = session.navigator.formSubmission?.state;
  return Boolean(state) && state !== "stopped";
}

export const sending = () => onItsWay() || performance.now() - sent < most / 2;

// What was refused before anything was done, and what a form was answered: nothing, if it was refused.
export const refusals = new WeakSet();
export const answerTo = ({ fetchResponse }) => refusals.has(fetchResponse) ? undefined : fetchResponse;

// A form that the browser itself sends, without Turbo, leads away from this page; until it has, or has failed, it is under way.
const leaves = 10_000;
let left = -Infinity;
addEventListener("submit", ({ target }) => {
  if (target.closest('[data-turbo="false"]')) left = performance.now();
});

// underWay tells whether some form is being sent.
export function underWay() {
  return sending() || performance.now() - left < leaves;
}

// What a page fetches by itself says so: it does not keep a session alive that nobody uses.
let byItself = false;
addEventListener("turbo:before-fetch-request", ({ detail: { url, fetchOptions } }) => {
  if (byItself && url.href === new URL(document.baseURI).href) fetchOptions.headers["Page-Refresh"] = "1";
  byItself = false;
});

export class Refresher {
  #last = -Infinity;
  #pause = least;
  #timer = null;
  #ready;

  constructor(ready) {
    this.#ready = ready;
  }

  request(wait = 0) {
    const due = Math.max(wait, this.#last + this.#pause - performance.now());
    this.#timer ??= setTimeout(() => this.#attempt(), due);
  }

  rendered() {
    clearTimeout(this.#timer);
    this.#timer = null;
  }

  // postpone is for a refresh that was refused.
  postpone(wait) {
    this.rendered();
    this.request(wait);
  }

  #attempt() {
    const waits = sending();
    this.#timer = setTimeout(() => this.#attempt(), waits ? 50 : most * (1 + Math.random()) / 2);
    if (waits || !this.#ready()) return;
    const now = performance.now();
    this.#pause = now - this.#last > calm ? least : Math.min(2 * this.#pause, most);
    this.#last = now;
    byItself = true;
    session.refresh(document.baseURI, { method: "morph", scroll: "preserve" });
  }
}

// Fetches the page anew and morphs it in: at most once in a second, again until it has rendered (Turbo skips a refresh while
// a visit is running), and only while the server answers (Turbo reloads the window when a visit fails). Never while a form is
// being sent: Turbo would abort the sending.
import { session } from "@hotwired/turbo";

const pause = 1000;

// From the press of a button until the page that answers it is there: Turbo drops the answer when another visit comes between.
let sent = -Infinity;
addEventListener("turbo:submit-end", () => { sent = performance.now(); });
addEventListener("turbo:load", () => { sent = -Infinity; });
function sending() {
  const state = session.navigator.formSubmission?.state;
  const underWay = state && state !== "stopped";
  return underWay || performance.now() - sent < pause;
}

export class Refresher {
  #last = -Infinity;
  #timer = null;
  #ready;

  constructor(ready) {
    this.#ready = ready;
  }

  request(wait = 0) {
    const due = Math.max(wait, this.#last + pause - performance.now());
    this.#timer ??= setTimeout(() => this.#attempt(), due);
  }

  rendered() {
    clearTimeout(this.#timer);
    this.#timer = null;
  }

  #attempt() {
    const waits = sending();
    this.#timer = setTimeout(() => this.#attempt(), waits ? 50 : pause + Math.random() * pause);
    if (waits || !this.#ready()) return;
    this.#last = performance.now();
    session.refresh(document.baseURI, { method: "morph", scroll: "preserve" });
  }
}

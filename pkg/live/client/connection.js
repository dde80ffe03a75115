// One socket for the window: opened again whenever it is lost, whatever pages Turbo shows meanwhile.
import { address, backoff, moment, Position } from "./order.js";
import { onUnsure } from "./list.js";
import { applyFragment, applyRow, forget, showState } from "./page.js";
import { Refresher, underWay } from "./refresher.js";

const silence = { visible: 10_000, hidden: 40_000 }; // after which the server is asked whether it is there: it says something every 25 s
const answers = 2_000; // within which it says that it is
const lostAfter = 3; // failed tries until the page says so
const waking = ["online", "focus", "pageshow"];
const restart = 1012, sessionEnded = 1008, tryAgainLater = 1013;
const whenFull = 30_000; // until a page that was one too many tries again
const endedPause = 250; // for another tab's answer to reach this browser, which may hold the new session

export class Connection {
  #src;
  #socket = null;
  #tries = 0;
  #retry = null;
  #watch = null;
  #probe = null;
  #late = false;
  #full = false;
  #behind = null; // why, since the server made the page anew neither at the last try nor since
  #position;
  #refresher = new Refresher(() => this.#socket?.readyState === WebSocket.OPEN && !this.#late);

  constructor(src, cursor) {
    this.#src = src;
    this.#position = new Position(cursor);
    onUnsure(() => this.#refresher.request());
    for (const name of waking) addEventListener(name, this.#now);
    document.addEventListener("visibilitychange", this.#now);
    addEventListener("offline", this.#show);
    addEventListener("behind", this.#stays);
    addEventListener("pagehide", this.#sleep);
    this.#open();
  }

  close() {
    for (const name of waking) removeEventListener(name, this.#now);
    document.removeEventListener("visibilitychange", this.#now);
    removeEventListener("offline", this.#show);
    removeEventListener("behind", this.#stays);
    removeEventListener("pagehide", this.#sleep);
    this.#refresher.rendered();
    this.#drop();
  }

  // rendered takes over the cursor of the document that Turbo has just put in place.
  rendered(cursor) {
    this.#refresher.rendered();
    this.#behind = null;
    this.took(cursor);
    this.#show();
  }

  // took is for a page of which only lists, badges and totals were taken.
  took(cursor) {
    forget();
    this.#position.page(cursor);
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(cursor);
  }

  // stays is for a page that the server could not make anew.
  #stays = ({ detail: { why, wait } }) => {
    this.#behind = why;
    if (wait) this.#refresher.postpone(wait);
    this.#show();
  };

  // now makes sure of the socket: the network is back, or the page is looked at again, after a sleep perhaps.
  #now = () => {
    if (document.visibilityState !== "visible") return;
    if (this.#socket === null) this.#open();
    else this.#ask();
    this.#show();
  };

  // sleep gives the socket up: the browser keeps no page that has one.
  #sleep = () => this.#drop();

  // ask replaces the socket unless the server says something soon: a dead network closes nothing.
  #ask() {
    if (this.#probe !== null) return;
    if (this.#socket.readyState === WebSocket.OPEN) this.#socket.send("?");
    this.#probe = setTimeout(() => {
      this.#drop();
      this.#retry = setTimeout(() => this.#open(), this.#tries++ ? backoff(this.#tries) : 0);
      this.#show();
    }, answers);
  }

  #open() {
    this.#drop();
    this.#show();
    const since = this.#position.cursor;
    const socket = new WebSocket(address(this.#src, location.href, since));
    this.#socket = socket;
    this.#listen();
    socket.onopen = () => {
      if (since === this.#position.cursor) this.#position.opened(since);
      else if (!this.#position.stale) socket.send(this.#position.cursor); // a page came while it was opening
    };
    socket.onmessage = ({ data }) => this.#receive(JSON.parse(data));
    socket.onclose = ({ code }) => this.#closed(code);
  }

  #drop() {
    clearTimeout(this.#retry);
    clearTimeout(this.#watch);
    clearTimeout(this.#probe);
    this.#retry = this.#probe = null;
    if (!this.#socket) return;
    this.#socket.onopen = this.#socket.onmessage = this.#socket.onclose = null;
    this.#socket.close();
    this.#socket = null;
  }

  // listen asks a socket that is silent whether it still is one.
  #listen() {
    clearTimeout(this.#watch);
    clearTimeout(this.#probe);
    this.#probe = null;
    this.#watch = setTimeout(() => this.#ask(), silence[document.visibilityState]);
  }

  #closed(code) {
    this.#drop();
    if (code === sessionEnded) return this.#ended();
    if (code === tryAgainLater) {
      this.#full = true;
      this.#retry = setTimeout(() => this.#open(), whenFull);
      return this.#show();
    }
    // After a restart the server is likely to be back soon, so waiting longer and longer begins anew.
    if (code === restart) this.#tries = 0;
    this.#retry = setTimeout(() => this.#open(), backoff(this.#tries++));
    this.#show();
  }

  // ended fetches the page again, for what it shows may be a former person's; but not while a form is on its way, the one that ended the
  // session, say: to leave then would abort it. Its answer is another page.
  #ended() {
    this.#retry = setTimeout(() => {
      if (underWay()) this.#ended();
      else location.reload();
    }, endedPause);
    this.#show();
  }

  #receive(m) {
    this.#listen();
    this.#tries = 0;
    this.#full = false;
    this.#late = Boolean(m.late);
    if (m.reset) this.#refresher.request(moment(m.spread));
    if (m.row && applyRow(m.row)) this.#refresher.request();
    if (m.fragment) applyFragment(m.fragment);
    if (m.row || m.reset) dispatchEvent(new Event("happened"));
    this.#position.message(m);
    if (m.cursor && !m.row && !m.fragment) dispatchEvent(new Event("live")); // all that was missed has come
    this.#show();
  }

  #show = () => {
    const open = this.#socket?.readyState === WebSocket.OPEN && this.#tries === 0;
    const state = this.#tries >= lostAfter ? "lost" : this.#behind ?? (open && !this.#late && this.#position.cursor ? "live" : "connecting");
    showState(!navigator.onLine ? "offline" : this.#full ? "full" : state);
  };
}

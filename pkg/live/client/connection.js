// One socket for the window: opened again whenever it is lost, whatever pages Turbo shows meanwhile.
import { address, backoff, moment, Position } from "./order.js";
import { applyFragment, applyRow, forget, showState } from "./page.js";
import { Refresher, underWay } from "./refresher.js";

const silence = 40_000; // the server says something every 25 s
const lostAfter = 3; // failed tries until the page says so
const restart = 1012, sessionEnded = 1008;
const endedPause = 250; // for another tab's answer to reach this browser, which may hold the new session

export class Connection {
  #src;
  #socket = null;
  #tries = 0;
  #retry = null;
  #watch = null;
  #late = false;
  #position;
  #refresher = new Refresher(() => this.#socket?.readyState === WebSocket.OPEN && !this.#late);

  constructor(src, cursor) {
    this.#src = src;
    this.#position = new Position(cursor);
    addEventListener("online", this.#now);
    document.addEventListener("visibilitychange", this.#now);
    this.#open();
  }

  close() {
    removeEventListener("online", this.#now);
    document.removeEventListener("visibilitychange", this.#now);
    this.#refresher.rendered();
    this.#drop();
  }

  // rendered takes over the cursor of the document that Turbo has just put in place.
  rendered(cursor) {
    forget();
    this.#refresher.rendered();
    this.#position.page(cursor);
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(cursor);
    this.#show();
  }

  #now = () => {
    if (document.visibilityState === "visible" && this.#retry !== null) this.#open();
  };

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
    this.#retry = null;
    if (!this.#socket) return;
    this.#socket.onopen = this.#socket.onmessage = this.#socket.onclose = null;
    this.#socket.close();
    this.#socket = null;
  }

  // listen gives up on a socket that is silent: a dead network closes nothing.
  #listen() {
    clearTimeout(this.#watch);
    this.#watch = setTimeout(() => this.#closed(0), silence);
  }

  #closed(code) {
    this.#drop();
    if (code === sessionEnded) return this.#ended();
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
    this.#late = Boolean(m.late);
    if (m.reset) this.#refresher.request(moment(m.spread));
    if (m.row && applyRow(m.row)) this.#refresher.request();
    if (m.fragment) applyFragment(m.fragment);
    this.#position.message(m);
    this.#show();
  }

  #show() {
    const open = this.#socket?.readyState === WebSocket.OPEN && this.#tries === 0;
    showState(open && !this.#late && this.#position.cursor ? "live" : this.#tries >= lostAfter ? "lost" : "connecting");
  }
}

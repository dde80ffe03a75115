// The decisions of the live client, without a page or a socket.

// fits says whether a row belongs in a list: its tab is among the row's, or the list shows all.
export function fits(tab, tabs) {
  return tab ? tabs.includes(tab) : tabs.length > 0;
}

// alphabet compares as the server's database does with ICU's collation of no language in particular, whose order English has.
const alphabet = new Intl.Collator("en");

// follows says whether a comes after b. Keys are compared as the server's database does: with collation "C", or, in the orders "name" and
// "name-desc", as in an alphabet; equal keys by id.
export function follows(a, b, order) {
  const backwards = order.endsWith("desc");
  if (order.startsWith("name")) {
    const difference = alphabet.compare(a.sort, b.sort);
    if (difference !== 0) return difference > 0 !== backwards;
  }
  const after = a.sort === b.sort ? a.id > b.id : a.sort > b.sort;
  const same = a.sort === b.sort && a.id === b.id;
  return !same && after !== backwards;
}

// place is the index at which row goes among rows, which are in order and do not hold it.
export function place(rows, row, order) {
  let low = 0, high = rows.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (follows(row, rows[middle], order)) low = middle + 1;
    else high = middle;
  }
  return low;
}

// backoff is the wait in ms before try n (0, 1, ...): up to half a second, doubling to 15 s, and random, so that the sockets
// of a restarted server do not come back all at once.
export function backoff(n, random = Math.random()) {
  const most = Math.min(500 * 2 ** n, 15_000);
  return most / 4 + random * most * 3 / 4;
}

// isRefused tells whether a server has done nothing of what it was asked, since it is busy: it says when to ask again.
export const isRefused = ({ status, headers }) => [429, 503].includes(status) && headers.has("Retry-After");

// again is the wait in ms before something is asked for again that was refused for the nth time in a row (0, 1, ...): as the server says, but longer
// each time, up to 30 s, and random, so that all who were refused do not come back at once.
export function again({ headers }, n = 0, random = Math.random()) {
  return Math.min((Number(headers.get("Retry-After")) || 2) * 2 ** n, 30) * (1 + random / 2) * 1000;
}

// moment is when to fetch the page again, in ms: at random within the span that the server gives, which knows how many do so.
export function moment(spread = 1500, random = Math.random()) {
  return random * spread;
}

// address is the socket's, from the page's and the element's.
export function address(src, page, since) {
  const url = new URL(src, page);
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  url.searchParams.set("since", since);
  return url.href;
}

// Position is where a window is in the stream: what it reconnects with. It never names a place whose past the page lacks.
export class Position {
  constructor(cursor) {
    this.cursor = cursor;
    this.stale = false; // told to reset: nothing but a page made anew gives a position
    this.asked = null; // the cursor that the server was asked to go back to, until it says that it has
  }

  // page takes the cursor of a page just rendered. What it shows may be older than what the socket brought meanwhile, so
  // the server is asked to go back to it, and until its answer messages do not advance the position.
  page(cursor) {
    this.cursor = this.asked = cursor;
    this.stale = false;
  }

  opened(since) {
    if (since === this.asked) this.asked = null;
  }

  message(m) {
    if (m.reset) this.lost();
    if (m.since !== undefined && m.since === this.asked) this.asked = null;
    if (m.cursor && !this.stale && this.asked === null) this.cursor = m.cursor;
  }

  lost() {
    this.stale = true;
    this.cursor = "";
    this.asked = null;
  }
}

// Puts rows and fragments where they belong in the document.
import { apply, parse, take } from "./list.js";

const seen = new Map(); // the last revision of each id, also of what no list shows now

// forget is for a document that was rendered anew.
export function forget() {
  seen.clear();
}

// applyRow puts a row right wherever it shows. It returns whether only the server can say how the page looks now.
export function applyRow(row) {
  const shown = document.getElementById(row.id);
  const known = Math.max(seen.get(row.id) ?? -1, Number(shown?.dataset.revision ?? -1));
  if (row.revision <= known) return isOutdatedSubject(row);
  seen.set(row.id, row.revision);
  let refresh = isOutdatedSubject(row);
  for (const list of document.querySelectorAll(`[data-live-list="${CSS.escape(row.list)}"]`)) {
    offer(row);
    refresh = apply(list, row) || refresh;
  }
  return refresh;
}

// offer adds to the filter what a row of its list has, and nobody had when the page was made (data-offers="the field's name"). A filter that
// does not offer all that there is says so by its last choice.
function offer({ html }) {
  const { offers: name, value, text } = (html && parse(html).dataset) ?? {};
  for (const select of name ? document.querySelectorAll(`select[name="${CSS.escape(name)}"]`) : []) {
    const options = [...select.options].slice(1); // behind the one for all
    if (options.at(-1)?.disabled || options.some((o) => o.value === value)) continue;
    select.add(new Option(text, value), options.find((o) => o.text > text) ?? null);
  }
}

// A page, or a part of one, is about its subject (data-live-subject), and may depend on others besides (data-live-parts="id@revision ...").
function isOutdatedSubject({ id, revision }) {
  const name = CSS.escape(id), all = (selector) => [...document.querySelectorAll(selector)];
  return all(`[data-live-subject="${name}"]`).some(({ dataset }) => Number(dataset.revision || 0) < revision)
    || all(`[data-live-parts*="${name}@"]`).some(({ dataset }) => dataset.liveParts.split(" ").some((part) => {
      const [of, known] = part.split("@");
      return of === id && Number(known) < revision;
    }));
}

export function applyFragment({ name, html }) {
  const template = document.createElement("template");
  template.innerHTML = html;
  for (const element of document.querySelectorAll(`[data-live-fragment="${CSS.escape(name)}"]`)) {
    if (element.innerHTML !== template.innerHTML) element.replaceChildren(template.content.cloneNode(true));
  }
}

// takePage takes the lists, badges and totals of a page that answers a press in a list.
export function takePage(page) {
  take(page);
  for (const { dataset, innerHTML } of page.querySelectorAll("[data-live-fragment]")) applyFragment({ name: dataset.liveFragment, html: innerHTML });
}

const words = { live: "Live", connecting: "Connecting", lost: "Connection lost", offline: "Offline", full: "Not live: too many pages are open",
  busy: "Behind: server busy", unable: "Behind: server away" };

export function showState(state) {
  for (const dot of document.querySelectorAll("[data-live-state]")) {
    if (dot.dataset.state === state && dot.textContent === words[state]) continue;
    dot.dataset.state = state;
    dot.textContent = words[state];
  }
}

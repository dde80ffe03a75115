// <live-updates src="/live" cursor="epoch:id"> keeps the page right while it is open. The cursor is the server's from before it
// made the page, so everything that happened since comes through the socket.
import { Connection } from "./connection.js";
import "./steady.js";
import "./press.js";
import "./unsaved.js";

let connection = null;
let source = null;

// open makes the socket that the element asks for. The src names the person too: somebody else's page, which may come by a Turbo
// visit after a switch in another tab, must not go on with the socket of the one before.
function open(element) {
  connection?.close();
  source = element.getAttribute("src");
  connection = new Connection(source, element.getAttribute("cursor") ?? "");
  if (person() && !restored) people.postMessage(person());
}

// A page that somebody has gone back to may be a former person's: it is the server's to say whose it is, and not for this page.
const restored = performance.getEntriesByType("navigation")[0]?.type === "back_forward";

// A browser is one person's: after a switch in one tab, those that still show the former person's pages fetch them anew.
const person = () => source && new URL(source, location.href).searchParams.get("as");
const people = new BroadcastChannel("person");
people.addEventListener("message", ({ data }) => {
  if (person() && person() !== data) location.reload();
});

class LiveUpdates extends HTMLElement {
  connectedCallback() {
    // A page that Turbo navigates to brings its own element; turbo:render follows and hands over its cursor.
    if (!connection || source !== this.getAttribute("src")) open(this);
  }
}

// The page that answers a press in a list may be older than what the socket has brought: what came after it comes again.
document.addEventListener("page-came", ({ detail }) => {
  const cursor = detail.querySelector("live-updates")?.getAttribute("cursor");
  if (cursor) connection?.took(cursor);
});

addEventListener("turbo:render", () => {
  const element = document.querySelector("live-updates");
  if (element && source !== element.getAttribute("src")) {
    open(element); // a morph keeps the element and changes its src
  } else if (element) {
    connection?.rendered(element.getAttribute("cursor") ?? "");
  } else {
    connection?.close();
    connection = source = null;
  }
});

customElements.define("live-updates", LiveUpdates);

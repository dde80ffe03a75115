// <live-updates src="/live" cursor="epoch:id"> keeps the page right while it is open. The cursor is the server's from before it
// made the page, so everything that happened since comes through the socket.
import { Connection } from "./connection.js";
import "./unsaved.js";

let connection = null;
let source = null;

class LiveUpdates extends HTMLElement {
  connectedCallback() {
    // A page that Turbo navigates to brings its own element; turbo:render follows and hands over its cursor.
    if (connection && source === this.getAttribute("src")) return;
    connection?.close();
    source = this.getAttribute("src");
    connection = new Connection(source, this.getAttribute("cursor") ?? "");
  }
}

addEventListener("turbo:render", () => {
  const element = document.querySelector("live-updates");
  if (element) {
    connection?.rendered(element.getAttribute("cursor") ?? "");
  } else {
    connection?.close();
    connection = source = null;
  }
});

customElements.define("live-updates", LiveUpdates);

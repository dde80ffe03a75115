// Days are counted in the reader's own time zone, which the server does not know. A page that says that it has guessed is fetched again with the zone
// in its address, which also says so to whoever is sent it.
import { visit } from "@hotwired/turbo";

function tell() {
  if (!document.querySelector("[data-guessed-zone]")) return;
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const address = new URL(location.href);
  if (!zone || zone === "UTC" || address.searchParams.has("zone")) return;
  address.searchParams.set("zone", zone);
  visit(address.href, { action: "replace" });
}

addEventListener("turbo:load", tell);

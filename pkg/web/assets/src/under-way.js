// A page of something that is under way says so, and is fetched again until it does not.
import { Refresher, underWay } from "../../../live/client/refresher.js";

const look = new Refresher(() => document.visibilityState === "visible" && !underWay());
addEventListener("turbo:load", () => {
  look.rendered();
  const shown = document.querySelector("[data-under-way]");
  if (shown) look.request(Number(shown.dataset.underWay) || 1000);
});

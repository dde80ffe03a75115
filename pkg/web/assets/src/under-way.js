// A page of something that is under way says so, and is fetched again until it does not.
import { Refresher, underWay } from "../../../live/client/refresher.js";

const look = new Refresher(() => document.visibilityState === "visible" && !underWay());
addEventListener("turbo:load", () => {
  look.rendered();
  if (document.querySelector("[data-under-way]")) look.request(1000);
});

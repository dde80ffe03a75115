// What someone has begun in a page survives its refresh: a field they changed keeps its value, a <details> they opened stays open.
import { answerTo } from "./refresher.js";

const isChanged = (field) =>
  field.type === "checkbox" || field.type === "radio" ? field.checked !== field.defaultChecked
    : field instanceof HTMLSelectElement ? [...field.options].some((o) => o.selected !== o.defaultSelected) && field.dataset.changed !== undefined
      : field.value !== field.defaultValue;

addEventListener("change", ({ target }) => {
  if (target instanceof HTMLSelectElement) target.dataset.changed = ""; // a <select> without a default has one selected all the same
});

// The answer to a form has its fields as they were sent, and says what is wrong with them. One that could not be sent has none.
let answered = null;
addEventListener("turbo:submit-end", ({ target, detail }) => { answered = answerTo(detail) ? target : null; });
addEventListener("turbo:render", () => { answered = null; });

addEventListener("turbo:before-morph-element", (event) => {
  const { target } = event;
  if (!target.matches?.("input:not([type=hidden]), textarea, select") || !event.detail.newElement) return;
  if (answered && target.form === answered) return;
  if (isChanged(target)) event.preventDefault();
});

addEventListener("turbo:before-morph-attribute", (event) => {
  const { target, detail } = event;
  if (target instanceof HTMLDetailsElement && detail.attributeName === "open") event.preventDefault();
  // The dot that shows the connection's state is the client's: the server cannot know it.
  if (target.matches?.("[data-live-state]") && detail.attributeName === "data-state") event.preventDefault();
});

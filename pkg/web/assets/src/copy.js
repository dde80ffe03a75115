// A button beside a number copies it, and says so once, in a message. Where the clipboard's interface is missing, as on a page that did not
// come over HTTPS, the browser's older command does it; where nothing does, the number is marked, ready to be copied by hand.
import { tell } from "./messages.js";

async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const field = Object.assign(document.createElement("textarea"), { value: text, readOnly: true, className: "visually-hidden" });
    const focused = document.activeElement;
    document.body.append(field);
    field.select();
    const done = document.execCommand("copy");
    field.remove();
    focused?.focus();
    return done;
  }
}

addEventListener("click", async ({ target }) => {
  const button = target.closest?.("[data-copy]");
  if (!button) return;
  const { copy: text, copyName: name = text } = button.dataset;
  if (await copy(text)) return tell({ tone: "good", text: name.length > 100 ? "Copied." : `Copied ${name}.` });
  getSelection().selectAllChildren(button.previousElementSibling);
  tell({ tone: "info", text: `Your browser does not let pages copy. ${button.dataset.copyName ? "They are" : "The number is"} marked: press Ctrl+C, or ⌘C.` });
});

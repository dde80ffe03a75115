// <pick-from src="/orders/products">: makes a search as one types out of a plain select (the combobox pattern of ARIA 1.2).
// It sends what the select would have sent and, under "name", what was typed, which the server understands if
// nothing was chosen. src?q=<typed> answers [{value, text, detail}]. As a select does, it says "change" when something is chosen,
// or nothing any more, and has a value. After a choice by Enter it says "pick-by-enter" too.
import { again, isRefused } from "../../../live/client/order.js";

const pause = 120; // of typing, until it is looked up
let lists = 0;

class PickFrom extends HTMLElement {
  #input; #chosen; #list;
  #timer = null;
  #asked = null;
  #listed = null; // the text that the list answers

  connectedCallback() {
    const select = this.querySelector("select");
    if (select) this.#build(select);
    else this.#find();
    this.#input.addEventListener("input", () => { this.#chosen.value = ""; this.#later(); });
    this.#input.addEventListener("change", () => { if (!this.#input.value) this.#changed(); });
    this.#input.addEventListener("keydown", (event) => this.#key(event));
    this.#input.addEventListener("click", () => { if (!this.#open) this.#look(); });
    this.#input.addEventListener("blur", () => this.#close());
    // Before blur, which would close the list under the finger.
    this.#list.addEventListener("pointerdown", (event) => event.preventDefault());
    this.#list.addEventListener("click", ({ target }) => this.#choose(target.closest("[role=option]")));
    this.closest("form")?.addEventListener("reset", () => { this.#chosen.value = this.#chosen.dataset.first; this.#close(); });
  }

  disconnectedCallback() {
    clearTimeout(this.#timer);
    this.#asked?.abort();
  }

  // take shows what a newer page has chosen, unless somebody is about to choose here, and what it says is wrong.
  take(page) {
    const select = page.querySelector("select");
    if (!select) return;
    this.#describe(select);
    if (this.#input.value !== this.#input.defaultValue) return;
    const text = select.value ? page.dataset.typed : "";
    this.#chosen.value = this.#chosen.dataset.first = select.value;
    this.#input.value = text;
    this.#input.defaultValue = text;
  }

  #build(select) {
    const id = `pick-${++lists}`;
    const input = this.#input = document.createElement("input");
    Object.assign(input, { type: "text", id: select.id, name: "name", autocomplete: "off", spellcheck: false,
      defaultValue: this.dataset.typed ?? "", placeholder: this.getAttribute("placeholder") ?? "Type to search" });
    this.#describe(select);
    for (const [name, value] of Object.entries({ role: "combobox", "aria-autocomplete": "list", "aria-expanded": "false", "aria-controls": id })) {
      input.setAttribute(name, value);
    }
    const chosen = this.#chosen = document.createElement("input");
    Object.assign(chosen, { type: "hidden", name: select.name, value: select.value });
    chosen.dataset.first = select.value;
    const list = this.#list = document.createElement("ul");
    Object.assign(list, { id, className: "pick-list", hidden: true });
    list.setAttribute("role", "listbox");
    list.setAttribute("aria-label", this.dataset.label ?? "");
    select.replaceWith(input, chosen, list);
    if (select.autofocus) input.focus();
  }

  #describe(select) {
    this.#input.className = select.className.replace("form-select", "form-control");
    for (const name of ["aria-label", "aria-required", "aria-invalid", "aria-describedby"]) {
      if (select.hasAttribute(name)) this.#input.setAttribute(name, select.getAttribute(name));
      else this.#input.removeAttribute(name);
    }
  }

  // find is for a page that Turbo kept: it has been built before.
  #find() {
    this.#input = this.querySelector("[role=combobox]");
    this.#chosen = this.querySelector("input[type=hidden]");
    this.#list = this.querySelector("[role=listbox]");
    this.#close();
  }

  get value() { return this.#chosen.value; }
  get #open() { return !this.#list.hidden; }
  get #active() { return this.#list.querySelector("[aria-selected=true]"); }

  #later(wait = pause) {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#look(), wait);
  }

  async #look() {
    this.#asked?.abort();
    const asked = this.#asked = new AbortController();
    const url = new URL(this.getAttribute("src"), location.href);
    const text = this.#input.value;
    url.searchParams.set("q", this.#chosen.value ? "" : text);
    try {
      const response = await fetch(url, { signal: asked.signal, headers: { Accept: "application/json" } });
      if (isRefused(response)) return this.#later(again(response));
      if (!response.ok) throw new Error(response.statusText);
      const found = await response.json();
      this.#listed = text;
      if (document.activeElement === this.#input) this.#show(found);
    } catch {
      if (!asked.signal.aborted) this.#close(); // what was typed can be sent all the same
    }
  }

  #show(found) {
    this.#list.replaceChildren(...found.map(({ value, text, detail }, n) => {
      const option = document.createElement("li");
      option.id = `${this.#list.id}-${n}`;
      option.setAttribute("role", "option");
      Object.assign(option.dataset, { value, text });
      option.append(text);
      if (detail) {
        const small = document.createElement("small");
        small.textContent = detail;
        option.append(" ", small);
      }
      return option;
    }));
    if (!found.length) {
      const none = document.createElement("li");
      none.className = "pick-none";
      none.textContent = "Nothing found";
      this.#list.append(none);
    }
    this.#list.hidden = false;
    this.#input.setAttribute("aria-expanded", "true");
    this.#mark(null);
  }

  #close() {
    clearTimeout(this.#timer);
    this.#asked?.abort();
    this.#list.hidden = true;
    this.#input.setAttribute("aria-expanded", "false");
    this.#mark(null);
  }

  #mark(option) {
    this.#active?.removeAttribute("aria-selected");
    option?.setAttribute("aria-selected", "true");
    option?.scrollIntoView({ block: "nearest" });
    if (option) this.#input.setAttribute("aria-activedescendant", option.id);
    else this.#input.removeAttribute("aria-activedescendant");
  }

  #choose(option) {
    if (!option) return;
    this.#chosen.value = option.dataset.value;
    this.#input.value = option.dataset.text;
    this.closest("form")?.setAttribute("data-touched", "");
    this.#close();
    this.#changed();
  }

  #changed() {
    this.dispatchEvent(new Event("change", { bubbles: true }));
  }

  #key(event) {
    const options = [...this.#list.querySelectorAll("[role=option]")];
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) {
      event.preventDefault();
      if (!this.#open) return this.#look();
      const at = options.indexOf(this.#active);
      this.#mark(options[(at + step + options.length + (at < 0 && step < 0 ? 1 : 0)) % options.length] ?? null);
    } else if (event.key === "Enter" && this.#open && (this.#active || options.length === 1 && this.#listed === this.#input.value)) {
      event.preventDefault();
      this.#choose(this.#active ?? options[0]);
      this.dispatchEvent(new Event("pick-by-enter", { bubbles: true }));
    } else if (event.key === "Escape" && this.#open) {
      event.preventDefault();
      this.#close();
    }
  }
}

// A page that is morphed in has a plain select again.
addEventListener("turbo:before-morph-element", (event) => {
  const { target, detail } = event;
  if (!(target instanceof PickFrom) || !detail.newElement) return;
  event.preventDefault();
  target.take(detail.newElement);
});

customElements.define("pick-from", PickFrom);

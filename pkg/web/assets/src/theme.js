// Runs before the first paint: Tabler's dark colours hang on an attribute, not on the media query. What somebody has chosen here, light or
// dark, counts before what their system says; a press of [data-theme-switch] chooses the next.
const dark = matchMedia("(prefers-color-scheme: dark)");
const paper = matchMedia("print");
const order = ["system", "light", "dark"];

let chosen = "system";
function read() {
  try {
    chosen = localStorage.getItem("theme") ?? "system";
  } catch { /* a browser that keeps nothing */ }
  if (!order.includes(chosen)) chosen = "system";
}

function apply() {
  const isDark = chosen === "dark" || (chosen === "system" && dark.matches);
  document.documentElement.setAttribute("data-bs-theme", isDark && !paper.matches ? "dark" : "light");
  for (const button of document.querySelectorAll("[data-theme-switch]")) {
    button.setAttribute("aria-label", `Theme: ${chosen}`);
    button.title = `Theme: ${chosen}. Press for ${next()}.`;
  }
}
const next = () => order[(order.indexOf(chosen) + 1) % order.length];

read();
apply();
for (const query of [dark, paper]) query.addEventListener("change", apply);
for (const name of ["DOMContentLoaded", "turbo:render"]) document.addEventListener(name, apply);
addEventListener("storage", () => { read(); apply(); });
document.addEventListener("click", ({ target }) => {
  if (!target.closest?.("[data-theme-switch]")) return;
  chosen = next();
  try {
    localStorage.setItem("theme", chosen);
  } catch { /* then for this page */ }
  apply();
});

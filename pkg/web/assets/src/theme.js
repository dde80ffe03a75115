// Runs before the first paint: Tabler's dark colours hang on an attribute, not on the media query.
const dark = matchMedia("(prefers-color-scheme: dark)");
const paper = matchMedia("print");
const apply = () => document.documentElement.setAttribute("data-bs-theme", dark.matches && !paper.matches ? "dark" : "light");
apply();
for (const query of [dark, paper]) query.addEventListener("change", apply);

// What a test of all pages asks of a page.

// everyPage follows the links from the open page, and answers one address of each kind: ids are left out, and what a page says of
// the status of what it shows counts.
async function everyPage() {
  const found = {};
  const seen = new Set();
  const queue = [location.pathname, "/no-such-page"];
  while (queue.length) {
    const response = await fetch(queue.shift());
    if (!response.headers.get("Content-Type")?.startsWith("text/html")) continue;
    const at = new URL(response.url);
    const page = new DOMParser().parseFromString(await response.text(), "text/html");
    const query = [...at.searchParams].filter(([, value]) => value).map(([name, value]) => (name === "tab" ? value : name)).slice(0, 1);
    const status = [...page.querySelectorAll(".page-header .status")].map((e) => e.textContent);
    found[[at.pathname.replace(/[0-9a-f-]{36}/, "id"), ...query, ...status].join(" ")] ??= at.pathname + at.search;
    for (const link of page.querySelectorAll("a[href]")) {
      const next = new URL(link.getAttribute("href"), at);
      if (next.origin !== location.origin || seen.has(next.pathname + next.search)) continue;
      seen.add(next.pathname + next.search);
      queue.push(next.pathname + next.search);
    }
  }
  return found;
}

// still ends what moves: a colour on its way is none.
function still() {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync("*, ::before, ::after { transition: none !important; animation: none !important }");
  document.adoptedStyleSheets.push(sheet);
  return true;
}

async function violations(runOnly) {
  const { violations } = await axe.run({ runOnly, resultTypes: ["violations"] });
  return violations.flatMap(({ id, nodes }) => nodes.map(({ target, any, html }) => `${id}: ${target.join(" ")}: ${any[0]?.message ?? html}`));
}

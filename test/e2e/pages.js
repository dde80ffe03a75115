// What a test of all pages asks of a page.

// kindOf is a path without ids, a dead letter's service, a topic, and positions.
function kindOf(path) {
  return path.replace(/[0-9a-f-]{36}/, "id").replace(/of\/[a-z-]+(.*\/)\d+$/, "of/service$1n").replace(/events\/\d+/, "events/n")
    .replace(/topics\/[^/]+/, "topics/name").replace(/name\/\d+/, "name/n").replace(/name\/n\/\d+/, "name/n/n");
}

// everyPage follows the links from the open page, and answers one address of each kind: ids and a dead letter's service are left out,
// and what a page says of the status of what it shows counts. It follows no link that is known already. It answers null after some
// pages, and goes on when it is called again.
async function everyPage(known) {
  const { found, alike, seen, queue } = (window.crawl ??= { found: {}, alike: {}, seen: new Set(known), queue: [location.pathname, "/no-such-page"] });
  for (let some = 20; queue.length && some; some--) {
    const response = await fetch(queue.shift());
    const text = await response.text(); // also a file's, for a person may have two under way
    if (response.status === 429) throw new Error("too much at once: " + response.url);
    if (!response.headers.get("Content-Type")?.startsWith("text/html")) continue;
    const at = new URL(response.url);
    const page = new DOMParser().parseFromString(text, "text/html");
    const query = [...at.searchParams].filter(([, value]) => value).map(([name, value]) => (name === "tab" ? value : name)).slice(0, 1);
    const status = [...page.querySelectorAll(".page-header .status")].map((e) => e.textContent);
    found[[kindOf(at.pathname), ...query, ...status].join(" ")] ??= at.pathname + at.search;
    for (const link of page.querySelectorAll("a[href]")) {
      const next = new URL(link.getAttribute("href"), at);
      if (next.origin !== location.origin || seen.has(next.pathname + next.search)) continue;
      seen.add(next.pathname + next.search);
      const kind = kindOf(next.pathname) + [...next.searchParams.keys()].join();
      if (/^\/(history|topics|numbers)/.test(next.pathname) && (alike[kind] = (alike[kind] ?? 0) + 1) > 5) continue; // there is one of each event
      queue.push(next.pathname + next.search);
    }
  }
  return queue.length ? null : found;
}

// inEnglish says which numbers and dates of an app's pages are as English has them, and what is marked and was not written out.
async function inEnglish(paths) {
  const problems = [];
  for (const path of paths) {
    const html = await (await fetch(path)).text();
    const page = new DOMParser().parseFromString(html, "text/html");
    for (const typed of page.querySelectorAll("textarea, noscript")) typed.remove();
    const shown = [page.title, page.body.textContent, ...[...page.querySelectorAll("[aria-label], [title], [placeholder], [data-seen]")].flatMap(
      (e) => [e.ariaLabel, e.title, e.placeholder, e.dataset.seen])].filter(Boolean);
    for (const text of shown) {
      for (const [found] of text.matchAll(/\b[\d,]*\.\d\d [A-Z]{3}\b|\b\d{1,2} (Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sept?|Oct|Nov|Dec) \d{4}|\d\.\d+%/g)) problems.push(`${path}: ${found}`);
    }
    if (/[\u2063\u2064]/.test(html)) problems.push(`${path}: a mark`);
  }
  return problems;
}

// emptyLists says which empty lists, and which tabs of them, leave people alone.
async function emptyLists(lists) {
  const problems = [];
  const look = async (path) => {
    const page = new DOMParser().parseFromString(await (await fetch(path)).text(), "text/html");
    const empty = page.querySelector(".empty-state:has(h2)");
    if (!empty || empty.closest("[hidden]") || !empty.querySelector("h2").textContent || !empty.querySelector("p").textContent) problems.push(`${path} says nothing`);
    else if (path.includes("?") && !empty.querySelector("a.btn")) problems.push(`${path} leads nowhere`);
    return page;
  };
  for (const list of lists) {
    const page = await look(list);
    for (const { search } of [...page.querySelectorAll(".tabs a")].map((a) => new URL(a.getAttribute("href"), location.href))) {
      if (search) await look(list + search);
      await look(`${list}${search || "?"}&q=nothinglikethis`);
    }
  }
  return problems;
}

// still ends what moves: a colour on its way is none.
function still() {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync("*, ::before, ::after { transition: none !important; animation: none !important }");
  document.adoptedStyleSheets.push(sheet);
  return true;
}

// violations has axe-core look at the page while nothing loads. A page that renews itself meanwhile is looked at again.
async function violations(runOnly) {
  const root = document.documentElement;
  let renewed = true;
  let found;
  const loads = new MutationObserver(() => (renewed = true));
  loads.observe(root, { attributeFilter: ["aria-busy"] });
  while (renewed) {
    while (root.hasAttribute("aria-busy")) await new Promise((done) => setTimeout(done, 20));
    loads.takeRecords();
    renewed = false;
    found = (await axe.run({ runOnly, resultTypes: ["violations"] })).violations;
    renewed ||= loads.takeRecords().length > 0;
  }
  loads.disconnect();
  return found.flatMap(({ id, nodes }) => nodes.map(({ target, any, html }) => `${id}: ${target.join(" ")}: ${any[0]?.message ?? html}`));
}

// squeezed says what has not enough room in a window of this width.
function squeezed() {
  const problems = [];
  const { scrollWidth, clientWidth } = document.documentElement;
  if (scrollWidth > clientWidth) problems.push(`the page is ${scrollWidth} px wide`);
  for (const current of document.querySelectorAll(".site-nav [aria-current]")) {
    if (current.getBoundingClientRect().right > innerWidth) problems.push(`${current.innerText} is out of sight`);
  }
  for (const table of document.querySelectorAll(".list")) {
    if (!table.checkVisibility()) continue;
    const cards = getComputedStyle(table).display === "block";
    if (innerWidth >= 768 && innerWidth < 960 && !cards) problems.push("rows are no cards");
    for (const cell of cards ? [] : table.querySelectorAll("td.what")) {
      if (cell.offsetWidth < 120) problems.push(`${cell.innerText} has ${cell.offsetWidth} px`);
    }
    for (const row of cards ? table.querySelectorAll("tbody tr") : []) {
      if (row.offsetHeight > 160) problems.push(`${row.innerText} is ${row.offsetHeight} px high`);
    }
  }
  return problems;
}

// onPaper says what a printed payment or order lacks, or has that is nothing on paper.
function onPaper() {
  const problems = [];
  const visible = (selector) => [...document.querySelectorAll(selector)].filter((e) => e.checkVisibility({ visibilityProperty: true }));
  for (const lacking of ["h1", "#facts, #lines", ".money, h1"]) {
    if (!visible(lacking).length) problems.push("no " + lacking);
  }
  for (const { tagName, innerText } of visible("header, nav, button, .btn, form:not(.set-quantity), #flashes")) problems.push(`${tagName} ${innerText}`);
  for (const status of document.querySelectorAll(".page-header .status")) {
    if (!status.checkVisibility()) problems.push("no status " + status.textContent);
  }
  for (const { innerText } of visible("time")) {
    if (!/\d{4}, \d\d:\d\d/.test(innerText)) problems.push(`${innerText} is no exact time`);
  }
  if (visible("#timeline").length && !visible(".history time").length) problems.push("no times in the timeline");
  if (document.documentElement.dataset.bsTheme !== "light") problems.push("dark paper");
  return problems;
}

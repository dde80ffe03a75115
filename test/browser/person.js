// What a person can do on a page. Each function answers whether it could.
const visible = e => e.checkVisibility?.({ visibilityProperty: true }) ?? e.offsetParent !== null
const words = e => (e.innerText || e.value || e.getAttribute("aria-label") || "").replace(/\s+/g, " ").trim()
const within = scope => (scope ? [...document.querySelectorAll(scope)] : [document.body])

const pressable = (name, scope) =>
  within(scope)
    .flatMap(root => [...root.querySelectorAll("button, a[href], summary, input[type=submit], [role=option]")])
    .find(e => visible(e) && !e.disabled && getComputedStyle(e).pointerEvents !== "none" && (words(e) === name || e.getAttribute("aria-label") === name))

function press(name, scope) {
  const found = pressable(name, scope)
  found?.click()
  return Boolean(found)
}

function pressTwice(name, scope) {
  const found = pressable(name, scope)
  found?.click()
  found?.click()
  return Boolean(found)
}

function find(name, scope) {
  const { x, y, width, height } = pressable(name, scope)?.getBoundingClientRect() ?? {}
  window.found = { X: x + width / 2, Y: y + height / 2 }
  return Boolean(width)
}

function row(text) {
  const found = [...document.querySelectorAll("tr[id]")].find(e => visible(e) && shows(text, "#" + CSS.escape(e.id)))
  window.row = found && "#" + CSS.escape(found.id)
  return Boolean(found)
}

const labelled = label =>
  [...document.querySelectorAll("label")].find(l => visible(l) && words(l).replace(/\s*(\*|\(optional\))$/, "") === label)?.control
  ?? [...document.querySelectorAll("input, select, textarea")].find(e => visible(e) && e.getAttribute("aria-label") === label)

function fill(label, value) {
  const field = labelled(label)
  if (!field) return false
  if (field.tagName === "SELECT") {
    const option = [...field.options].find(o => words(o) === value || o.value === value)
    if (!option) return false
    option.selected = true
  } else {
    field.focus()
    field.value = value
  }
  field.dispatchEvent(new Event("input", { bubbles: true }))
  field.dispatchEvent(new Event("change", { bubbles: true }))
  return true
}

function upload(label, name, text) {
  const field = labelled(label)
  if (!field) return false
  const chosen = new DataTransfer()
  chosen.items.add(new File([text], name))
  field.files = chosen.files
  return true
}

const shows = (text, scope) => within(scope).some(e => visible(e) && e.innerText.replace(/\s+/g, " ").includes(text))
const see = shows
const seeNot = (text, scope) => !shows(text, scope)

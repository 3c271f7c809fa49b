// Elements without markup: what a prompt or a file name says is only ever text.
export function make(kind, properties = {}, ...children) {
  const { aria = {}, data = {}, ...rest } = properties;
  const element = Object.assign(document.createElement(kind), rest);
  for (const [name, value] of Object.entries(aria)) {
    element.setAttribute(name === "role" ? "role" : `aria-${name}`, value);
  }
  Object.assign(element.dataset, data);
  element.append(...children);
  return element;
}

export function button(text, hint, action) {
  const element = make("button", { type: "button", textContent: text, title: hint ?? "" });
  element.addEventListener("click", action);
  return element;
}

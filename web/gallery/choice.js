import { writeDown } from "./written.js";

// A node's choice: seeds in the widget `pick_seeds`, in click order; none is automatic.
const byName = (node, name) => node.widgets?.find((widget) => widget.name === name);

function set(widget, value) {
  if (!widget || widget.value === value) return;
  widget.value = value;
  widget.callback?.(value);
}

// The chosen seeds, as texts. A number in `pick` (older workflows) counts where no seed does.
export function chosen(node, election) {
  const text = String(byName(node, "pick_seeds")?.value ?? "");
  const seeds = text.split(/[\s,;]+/).filter(Boolean);
  if (seeds.length) return seeds;
  const number = Number(byName(node, "pick")?.value ?? 0);
  const seed = number > 0 ? election?.seeds[number - 1] : undefined;
  return seed === undefined ? [] : [seed];
}

export function choose(node, seeds) {
  set(byName(node, "pick_seeds"), seeds.join(", "));
  set(byName(node, "pick"), 0);
  node.graph?.setDirtyCanvas?.(true, true);
  writeDown();
}

// One click takes a seed, a second one lets it go; with `several` the others stay.
export function toggled(seeds, seed, several) {
  const others = seeds.filter((other) => other !== seed);
  if (several) return seeds.includes(seed) ? others : [...seeds, seed];
  return seeds.length === 1 && seeds[0] === seed ? [] : [seed];
}

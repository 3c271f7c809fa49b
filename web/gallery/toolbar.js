// The gallery's buttons and the controls of order and tile size.
import { ORDERS } from "./election.js";
import { button, make } from "./make.js";
import { say } from "./words.js";

export const TILE_SIZES = { min: 72, max: 320, default: 116 };
const TOP = 4;

function order(settings, change) {
  const names = Object.keys(ORDERS);
  const options = names.map((name) => make("option", { value: name, textContent: say(`sort_${name}`) }));
  const select = make("select", { aria: { label: say("sort") } }, ...options);
  select.value = settings.order;
  select.addEventListener("change", () => change({ order: select.value }));
  return make("label", {}, `${say("sort")} `, select);
}

function size(settings, change) {
  const { min, max } = TILE_SIZES;
  const slider = make("input", { type: "range", aria: { label: say("tile_size") } });
  Object.assign(slider, { min, max, step: 4, value: settings.size });
  slider.addEventListener("input", () => change({ size: Number(slider.value) }));
  return make("label", { title: say("tile_size") }, slider);
}

// `actions`: finish, newSeeds, finishTop(count), automatic, large
export function toolbar(election, seeds, settings, change, actions) {
  const bar = make("div", { className: "elect-toolbar" });
  const main = button(say("finish"), say("finish_hint"), actions.finish);
  main.className = "elect-main";
  bar.append(main);
  if (actions.newSeeds && election.seeds.length > 1) {
    bar.append(button(say("new_seeds"), say("new_seeds_hint"), actions.newSeeds));
  }
  const top = Math.min(TOP, election.eligible);
  if (top > 1) bar.append(button(say("finish_top", { count: top }), "", () => actions.finishTop(top)));
  if (seeds.length) bar.append(button(say("automatic"), say("automatic_hint"), actions.automatic));
  bar.append(button(say("large"), say("large_hint"), actions.large));
  const look = make("div", { className: "elect-toolbar" });
  look.append(order(settings, change), size(settings, change));
  return [bar, look];
}

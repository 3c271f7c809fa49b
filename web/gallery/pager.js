// Which picture's election is shown, where a list of pictures was run.
import { button, make } from "./make.js";
import { say } from "./words.js";

// `change`: told { picture }, from 0. Nothing where there is one picture.
export function pager(count, shown, change) {
  if (count < 2) return [];
  const place = Math.min(shown, count - 1);
  const step = (sign, by, key) => {
    const one = button(sign, say(key), () => change({ picture: (place + by + count) % count }));
    one.setAttribute("aria-label", say(key));
    return one;
  };
  const said = make("span", { textContent: say("picture_of", { number: place + 1, count }) });
  const ends = [step("\u2039", -1, "picture_before"), said, step("\u203a", 1, "picture_after")];
  return [make("div", { className: "elect-toolbar elect-pager" }, ...ends)];
}

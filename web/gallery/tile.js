// One candidate's tile: picture, number, badges, score bar.
import { pictureUrl } from "./election.js";
import { make } from "./make.js";
import { say } from "./words.js";

export const asScore = (value) => (value == null ? "NaN" : value.toPrecision(3));

// `loading`: lazy where there are many of them, most out of sight.
export function picture(file, alternative, loading = "eager") {
  if (!file) return make("span", { className: "elect-missing", textContent: say("missing") });
  const image = make("img", { loading, src: pictureUrl(file), alt: alternative, draggable: false });
  // Temporary files live as long as the server.
  image.onerror = () =>
    image.replaceWith(make("span", { className: "elect-missing", textContent: say("missing") }));
  return image;
}

// Why a candidate is out, in words: dropped on the way, or not electable; empty where it is not.
export function outOf({ dropped, electable }) {
  if (dropped != null) return say("badge_dropped", { percent: dropped });
  return electable ? "" : say("badge_out");
}

function badges(candidate, place) {
  const found = [];
  if (candidate.best) found.push(["best", say("badge_best")]);
  if (place > 0) found.push(["yours", say("badge_yours") + (place > 1 ? ` ${place}` : "")]);
  const out = outOf(candidate);
  if (out) found.push(["out", out]);
  return found.map(([kind, text]) =>
    make("span", { className: `elect-badge elect-${kind}`, textContent: text })
  );
}

// The bar is full for the best score and empties towards the worst.
function bar(candidate, range) {
  const { low, high } = range;
  const share = candidate.score == null ? 0 : 1 - (candidate.score - low) / (high - low || 1);
  const filled = make("span");
  filled.style.width = `${Math.round(8 + 92 * share)}%`;
  return make("span", { className: "elect-bar", aria: { hidden: "true" } }, filled);
}

// `place`: 1 for the first of the user's choices, 2 for the next, 0 for no choice.
export function tileOf(candidate, place, range) {
  const { number, seed, rank } = candidate;
  const score = asScore(candidate.score);
  const told = [say("tile", { number, seed, rank, score }), outOf(candidate)];
  const label = told.filter(Boolean).join(", ");
  const shots = make("span", { className: "elect-shots" }, picture(candidate.picture, "", "lazy"));
  if (candidate.finished) shots.append(picture(candidate.finished, say("finished")));
  const foot = make(
    "span",
    { className: "elect-foot" },
    make("b", { textContent: `#${number}` }),
    make("span", { className: "elect-score", textContent: score })
  );
  const classes = ["elect-tile"];
  if (!candidate.electable) classes.push("elect-unelectable");
  if (candidate.finished) classes.push("elect-finished");
  const marks = make("span", { className: "elect-badges" }, ...badges(candidate, place));
  return make(
    "div",
    {
      className: classes.join(" "),
      title: label,
      tabIndex: -1,
      data: { index: candidate.index, seed },
      aria: { role: "option", selected: String(place > 0), label },
    },
    shots,
    marks,
    foot,
    bar(candidate, range)
  );
}

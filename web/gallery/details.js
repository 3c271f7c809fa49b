// The folded table of all scores, to read, copy and find the CSV file.
import { candidatesOf, ORDERS } from "./election.js";
import { button, make } from "./make.js";
import { asScore, outOf } from "./tile.js";
import { say } from "./words.js";

const COLUMNS = ["rank", "number", "seed", "score", "change_inside"];

function cells(candidate) {
  const { rank, number, seed, score, change } = candidate;
  return [rank, number, seed, asScore(score), asScore(change), outOf(candidate)];
}

function row(kind, values) {
  return make("tr", {}, ...values.map((value) => make(kind, { textContent: value })));
}

export function details(election, open, remember) {
  const sorted = candidatesOf(election).sort(ORDERS.score);
  const table = make("table", {}, row("th", [...COLUMNS.map((name) => say(name)), ""]));
  table.append(...sorted.map((candidate) => row("td", cells(candidate))));
  const copy = button(say("copy"), "", async () => {
    await navigator.clipboard?.writeText(election.text);
    copy.textContent = say("copied");
  });
  const whole = make("details", { className: "elect-details", open });
  whole.append(make("summary", { textContent: say("details") }), copy);
  if (election.csv) {
    whole.append(make("p", { textContent: say("csv", { path: election.csv }) }));
  }
  whole.append(table);
  whole.addEventListener("toggle", () => remember(whole.open));
  return whole;
}

// An election in words: who is best, by how much, and what the user chose.
import { lead } from "./election.js";
import { say } from "./words.js";

export function headline(election) {
  const count = election.seeds.length;
  if (count === 1) return say("headline_one");
  if (election.scores[election.best] == null) return say("headline_none", { count });
  const start = say("headline", { count, best: election.best + 1 });
  const ahead = lead(election);
  if (!ahead) return start;
  const percent = Math.round(ahead.margin * 100);
  const margin = percent < 1 ? "< 1 %" : `${percent} %`;
  return `${start}, ${say(ahead.close ? "close" : "clear", { margin, second: ahead.second })}`;
}

// Lines below the headline: the choice, what became of an old one, warnings.
export function notices(election, seeds) {
  const numbers = seeds.map((seed) => election.seeds.indexOf(seed) + 1).filter(Boolean);
  const lines = [];
  if (numbers.length) {
    lines.push(say("yours", { picks: numbers.map((number) => `#${number}`).join(", ") }));
  } else if (seeds.length || election.gone.length) {
    lines.push(say("gone"));
  }
  const chosen = numbers.length ? numbers[0] - 1 : election.best;
  if (chosen !== election.elected) lines.push(say("pending"));
  return [...lines, ...election.warnings];
}

// What a run says of an election (`ui.elect`), as the gallery wants it.
import { api } from "../../../scripts/api.js";

const CLOSE_CALL = 0.1; // a lead of less than a tenth of the second's score

const LISTS = ["seeds", "scores", "changes", "order", "pictures", "gone", "warnings"];

// Whether a record, out of a run or of a workflow's file, is one that can be drawn.
export function sound(record) {
  if (!LISTS.every((name) => Array.isArray(record?.[name]))) return false;
  const { seeds, order, scores, changes } = record;
  const numbers = [...scores, ...changes].every((one) => one == null || typeof one === "number");
  return numbers && order.length === seeds.length && order.every((index) => index in seeds);
}

// The record that is kept in the workflow, or null where a node's output holds no election. Of a list
// of pictures, each with an election of its own, the first one's holds the others as `more`.
export function readElection(output) {
  const all = [output?.elect ?? []].flat().map((facts, place) => recordOf(facts ?? {}, output, place));
  const [first, ...more] = all.filter(sound);
  return first ? { ...first, more } : null;
}

// All elections of a record, the first picture's first.
export function electionsOf(record) {
  return [record, ...(Array.isArray(record?.more) ? record.more : [])].filter(sound);
}

function recordOf(facts, output, place) {
  const { candidates = [], source = null, relevance = null } = facts.pictures ?? {};
  return {
    // Seeds are texts: they are 64 bits wide, and JavaScript's numbers are exact only to 53.
    seeds: [facts.seed_texts ?? facts.seeds].flat().map(String),
    scores: facts.scores,
    changes: facts.change_inside,
    order: facts.order,
    eligible: facts.num_eligible ?? facts.order?.length,
    gone: facts.gone_seeds ?? [],
    warnings: facts.warnings ?? [],
    elected: facts.elected,
    best: facts.best ?? facts.order?.[0],
    pictures: candidates,
    source,
    relevance,
    // Of a race: the steps that each ran, of how many; those that stopped before the last were dropped.
    ran: facts.ran_steps ?? [],
    steps: facts.num_steps,
    csv: output.csv?.[place] ?? "",
    text: [output.text ?? []].flat()[place] ?? "",
    finished: {},
  };
}

// Percent of the steps after which a race dropped a candidate; null for all others.
function droppedAt(election, index) {
  const { ran = [], steps } = election; // galleries saved by earlier versions have neither
  if (!ran.length || ran[index] >= Math.max(...ran)) return null;
  return Math.round((100 * ran[index]) / steps);
}

export function candidatesOf(election) {
  const rank = new Map(election.order.map((index, place) => [index, place]));
  return election.seeds.map((seed, index) => ({
    index,
    seed,
    number: index + 1,
    rank: rank.get(index) + 1,
    score: election.scores[index],
    change: election.changes[index],
    electable: rank.get(index) < election.eligible,
    dropped: droppedAt(election, index),
    best: index === election.best,
    picture: election.pictures[index] ?? null,
    finished: election.finished?.[seed] ?? null,
  }));
}

const worst = (value) => value ?? Number.POSITIVE_INFINITY;
export const ORDERS = {
  score: (a, b) => a.rank - b.rank,
  candidate: (a, b) => a.number - b.number,
  change: (a, b) => worst(-b.change) - worst(-a.change) || a.rank - b.rank,
};

// Share of the second best's score by which the best is ahead; null where there is no second.
export function lead(election) {
  const [first, second] = election.order.slice(0, election.eligible);
  const [a, b] = [election.scores[first], election.scores[second]];
  if (a == null || b == null || b === 0) return null;
  const margin = (b - a) / Math.abs(b);
  return { margin, second: second + 1, close: margin < CLOSE_CALL };
}

export function pictureUrl(file) {
  const { filename, subfolder = "", type = "temp" } = file;
  return api.apiURL(`/view?${new URLSearchParams({ filename, subfolder, type })}`);
}

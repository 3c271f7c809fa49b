// What the gallery's buttons queue.
import { app } from "../../../scripts/app.js";
import { followers, isOutput, wiredFrom } from "./downstream.js";

const SAMPLERS = ["MultiSeedPartialSampler", "ELECTSampler"];

// Runs the node and the outputs behind it; a node inside a subgraph runs with the whole workflow,
// since what lies behind it may be outside.
export function finish(node) {
  const inRoot = (node.graph ?? app.graph) === (app.rootGraph ?? app.graph);
  if (!inRoot) return app.queuePrompt(0, 1);
  const ids = [node, ...followers(node)].filter(isOutput).map((one) => String(one.id));
  return app.queuePrompt(0, 1, ids);
}

// The sampler whose candidates a node shows: itself, or what feeds it.
export function samplerOf(node) {
  return SAMPLERS.includes(node.comfyClass) ? node : wiredFrom(node, "candidates");
}

export const widgetOf = (node, name) => node?.widgets?.find((widget) => widget.name === name);

function randomSeed(taken) {
  const [high, low] = crypto.getRandomValues(new Uint32Array(2));
  const seed = String(high * 2 ** 21 + (low >>> 11)); // 53 bits: exact in JavaScript
  return taken.includes(seed) ? randomSeed(taken) : seed;
}

// Keeps some seeds and draws others in the place of all the rest.
export function newSeeds(node, election, kept) {
  const widget = widgetOf(samplerOf(node), "seeds");
  if (!widget) return null;
  const seeds = [...kept];
  while (seeds.length < election.seeds.length) seeds.push(randomSeed([...seeds, ...election.seeds]));
  widget.value = seeds.join(", ");
  widget.callback?.(widget.value);
  return finish(node);
}

// What is known of a node's last run.
import { app } from "../../../scripts/app.js";

// In a subgraph the key is `<subgraph's id>:<node's id>`, or, out of the history, the ids of the nodes
// on the way to it.
export function outputOf(node) {
  const root = app.rootGraph ?? app.graph;
  const outputs = app.nodeOutputs ?? {};
  if (!node.graph || node.graph === root) return outputs[node.id];
  const leadsHere = (key) => {
    const path = key.split(":");
    const last = path.pop();
    const graph = path.reduce((inner, id) => inner?.getNodeById?.(Number(id))?.subgraph, root);
    return last === String(node.id) && graph === node.graph;
  };
  const way = Object.keys(outputs).find(leadsHere);
  return outputs[`${node.graph.id}:${node.id}`] ?? outputs[way];
}

// Which nodes follow a node, through its graph's links.
const linkOf = (graph, id) => graph.links?.get?.(id) ?? graph.links?.[id];

function targets(node, slots) {
  const outputs = (node.outputs ?? []).filter((_, slot) => !slots || slots.includes(slot));
  return outputs
    .flatMap((output) => output.links ?? [])
    .map((id) => linkOf(node.graph, id))
    .map((link) => link && node.graph.getNodeById(link.target_id))
    .filter(Boolean);
}

// All nodes behind `node`, itself left out; `slots`: only through these of its outputs.
export function followers(node, slots) {
  const found = new Set();
  const open = targets(node, slots);
  while (open.length) {
    const next = open.pop();
    if (next === node || found.has(next)) continue;
    found.add(next);
    open.push(...targets(next));
  }
  return [...found];
}

export const isOutput = (node) => node.constructor?.nodeData?.output_node === true;

// The node that a named input is wired from, or null.
export function wiredFrom(node, name) {
  const input = node.inputs?.find((candidate) => candidate.name === name);
  const link = input?.link != null ? linkOf(node.graph, input.link) : null;
  return link ? node.graph.getNodeById(link.origin_id) : null;
}

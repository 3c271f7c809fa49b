// Tiles that fill while candidates are sampled: each shows its part of the sheet that the sampler
// sends as ComfyUI's preview (nodes/host/preview.py: row by row, square as can be).
import { api } from "../../../scripts/api.js";
import { make } from "./make.js";
import { samplerOf, widgetOf } from "./queue.js";

export function countOf(sampler) {
  const seeds = String(widgetOf(sampler, "seeds")?.value ?? "").split(/[\s,;]+/).filter(Boolean);
  return seeds.length || Number(widgetOf(sampler, "num_candidates")?.value ?? 0);
}

export function sheetTiles(count, url) {
  const columns = Math.ceil(Math.sqrt(count));
  const rows = Math.ceil(count / columns);
  return Array.from({ length: count }, (_, place) => {
    const shot = make("span", { className: "elect-shots elect-live" });
    const across = columns > 1 ? (place % columns) / (columns - 1) : 0;
    const down = rows > 1 ? Math.floor(place / columns) / (rows - 1) : 0;
    shot.style.backgroundImage = `url("${url}")`;
    shot.style.backgroundSize = `${columns * 100}% ${rows * 100}%`;
    shot.style.backgroundPosition = `${across * 100}% ${down * 100}%`;
    const number = make("span", { className: "elect-foot" }, make("b", { textContent: `#${place + 1}` }));
    return make("div", { className: "elect-tile", aria: { role: "presentation" } }, shot, number);
  });
}

const executionId = (node) => String(node.id);

// Calls show(url, count) for each preview of the sampler that `node` shows.
// Returns a function that ends it.
export function followPreviews(node, show) {
  let url = null;
  const onPreview = ({ detail }) => {
    const sampler = samplerOf(node);
    const shown = String(detail?.displayNodeId ?? detail?.nodeId);
    // Inside a subgraph the id is a path, `22:12`.
    if (!sampler || shown.split(":").at(-1) !== executionId(sampler)) return;
    const count = countOf(sampler);
    if (count < 2) return;
    if (url) URL.revokeObjectURL(url);
    url = URL.createObjectURL(detail.blob);
    show(url, count);
  };
  api.addEventListener("b_preview_with_metadata", onPreview);
  return () => {
    api.removeEventListener("b_preview_with_metadata", onPreview);
    if (url) URL.revokeObjectURL(url);
  };
}

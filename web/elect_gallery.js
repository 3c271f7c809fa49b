// The gallery of candidates on the nodes that elect one.
import { app } from "../../scripts/app.js";
import { api } from "../../scripts/api.js";
import { followers } from "./gallery/downstream.js";
import { readElection } from "./gallery/election.js";
import { Gallery } from "./gallery/gallery.js";
import { followPreviews } from "./gallery/live.js";
import { outputOf } from "./gallery/outputs.js";
import { adoptStyleFile } from "./gallery/style.js";
import { loadWords } from "./gallery/words.js";

// Node id -> the outputs through which the choice, and only the choice, goes on.
const NODES = { BISSelect: [0], ELECTRace: [0], ELECTSampler: [0, 1] };
const STYLE = new URL("./gallery/gallery.css", import.meta.url);
const WIDTH = 420;
const HEIGHT = 300;
const galleries = new WeakMap();

function addGallery(node) {
  const gallery = new Gallery(node);
  galleries.set(node, gallery);
  // Registered names (`customtext` ...) are replaced by the frontend's own widgets.
  const widget = node.addDOMWidget("elect_gallery", "ELECT_GALLERY", gallery.element, {
    serialize: false,
    hideOnZoom: false,
    hideInPanel: true,
    getMinHeight: () => HEIGHT,
  });
  widget.serialize = false;
  const stop = followPreviews(node, (url, count) => gallery.showLive(url, count));
  const { onRemoved } = node;
  node.onRemoved = function (...given) {
    stop();
    return onRemoved?.apply(this, given);
  };
  const [width, height] = node.size;
  node.setSize([Math.max(width, WIDTH), Math.max(height, node.computeSize()[1])]);
}

function galleryOf(node) {
  return galleries.get(node);
}

function onExecuted(node, output) {
  const election = readElection(output);
  if (election) galleryOf(node)?.show(election);
}

function redraw(node) {
  galleryOf(node)?.draw();
}

const picturesOf = (output) => [output?.images ?? []].flat().filter((file) => file?.filename);

// Pictures that a node behind the choice shows are the finished candidates.
function showFinished({ detail }) {
  const pictures = picturesOf(detail?.output);
  if (!pictures.length) return;
  const id = String(detail.display_node ?? detail.node).split(":").at(-1);
  for (const node of electingNodes()) {
    const behind = followers(node, NODES[node.comfyClass]);
    if (behind.some((other) => String(other.id) === id)) galleryOf(node)?.showFinished(pictures);
  }
}

// A run that ended while another workflow's tab was open, the finished pictures behind it too.
function catchUp(node) {
  const gallery = galleryOf(node);
  if (!gallery?.catchUp(readElection(outputOf(node)))) return;
  for (const other of followers(node, NODES[node.comfyClass])) {
    const pictures = picturesOf(outputOf(other));
    if (pictures.length) gallery.showFinished(pictures);
  }
}

function electingNodes() {
  const root = app.rootGraph ?? app.graph;
  const graphs = [root, ...(root.subgraphs?.values?.() ?? [])];
  return graphs.flatMap((graph) => graph.nodes ?? []).filter((node) => galleries.has(node));
}

app.registerExtension({
  name: "elect.gallery",
  async setup() {
    adoptStyleFile(STYLE);
    await loadWords();
    api.addEventListener("executed", showFinished);
    // A failed or cancelled run leaves what was there before.
    for (const kind of ["execution_error", "execution_interrupted"]) {
      api.addEventListener(kind, () => electingNodes().forEach(redraw));
    }
  },
  loadedGraphNode(node) {
    if (NODES[node.comfyClass]) requestAnimationFrame(() => catchUp(node));
  },
  async beforeRegisterNodeDef(nodeType, nodeData) {
    if (!NODES[nodeData.name]) return;
    const { onNodeCreated, onExecuted: before, onConfigure } = nodeType.prototype;
    nodeType.prototype.onNodeCreated = function (...given) {
      const made = onNodeCreated?.apply(this, given);
      addGallery(this);
      return made;
    };
    nodeType.prototype.onExecuted = function (output, ...given) {
      before?.call(this, output, ...given);
      onExecuted(this, output);
    };
    // What the file, a copy or an undo says has been put into properties and widgets by now.
    nodeType.prototype.onConfigure = function (...given) {
      const made = onConfigure?.apply(this, given);
      redraw(this);
      return made;
    };
  },
});

// Inputs that few need are folded away in the classic canvas too; a button on the node shows them.
// Nodes 2.0 fold them by themselves, those of 1.32 with our help.
import { app } from "../../scripts/app.js";
import { addRowsButton, addStyle, foldRows, foldsRows } from "./folded_rows.js";
import { say } from "./gallery/words.js";

const ALWAYS = "Comfy.Node.AlwaysShowAdvancedWidgets";
const NAME = "elect_more";
const ROWS_NAME = "elect_more_rows";
const GAP = 4; // between the canvas's rows
// This pack's folder, by which ComfyUI names the modules of its nodes.
const FOLDER = decodeURIComponent(new URL(import.meta.url).pathname.split("/extensions/")[1].split("/")[0]);
const OURS = new Set();

const advanced = (node) => (node.widgets ?? []).filter((widget) => widget.options?.advanced && !widget.element);
const byName = (node, name) => node.widgets?.find((widget) => widget.name === name);

// The canvas leaves out what is marked as advanced, but not its row: without one it has no height.
function mark(node, widget, folds) {
  widget.advanced = folds;
  if (folds) {
    widget.computeSize = () => [0, node.showAdvanced ? window.LiteGraph.NODE_WIDGET_HEIGHT : -GAP];
  } else delete widget.computeSize;
}

// A wired input stays in sight: its wire would end nowhere.
function fold(node) {
  const wired = new Set((node.inputs ?? []).filter((one) => one.link != null).map((one) => one.widget?.name));
  for (const widget of advanced(node)) mark(node, widget, !wired.has(widget.name));
  const label = say(node.showAdvanced ? "fewer_inputs" : "more_inputs");
  const button = byName(node, NAME);
  if (button) button.label = label;
  const rows = byName(node, ROWS_NAME);
  if (rows) foldRows(node, rows, label, (widget) => widget.advanced && !node.showAdvanced);
}

function toggle(node) {
  node.showAdvanced = !node.showAdvanced;
  fold(node);
  node.expandToFitContent?.();
  node.setDirtyCanvas(true, true);
}

// Behind what is saved, since files tell values by their place; before what is drawn by elements.
function moveUp(node) {
  const added = node.widgets.pop();
  const saved = node.widgets.findLastIndex((widget) => widget.serialize !== false);
  node.widgets.splice(saved + 1, 0, added);
}

function addButtons(node) {
  const options = { serialize: false, canvasOnly: true };
  node.addWidget("button", NAME, null, () => toggle(node), options).serialize = false;
  moveUp(node);
  if (!foldsRows()) return;
  addRowsButton(node, ROWS_NAME, () => toggle(node));
  moveUp(node);
}

function follow(node, hook) {
  const before = node[hook];
  node[hook] = function (...given) {
    const made = before?.apply(this, given);
    fold(node);
    return made;
  };
}

app.registerExtension({
  name: "elect.folded",
  setup() {
    if (foldsRows()) addStyle();
  },
  beforeRegisterNodeDef(nodeType, nodeData) {
    if (nodeData.python_module === `custom_nodes.${FOLDER}`) OURS.add(nodeData.name);
  },
  nodeCreated(node) {
    if (!OURS.has(node.comfyClass) || !advanced(node).length) return;
    if (app.extensionManager?.setting?.get?.(ALWAYS)) return;
    addButtons(node);
    fold(node);
    node.toggleAdvanced = () => toggle(node); // as the frontend's menu has it
    follow(node, "onConfigure");
    follow(node, "onConnectionsChange");
    node.setSize([node.size[0], node.computeSize()[1]]);
  },
});

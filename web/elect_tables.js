// Shows the text that the pack's nodes report after a run (`ui.text`) in a read-only box on the node.
import { app } from "../../scripts/app.js";
import { outputOf } from "./gallery/outputs.js";
import { say } from "./gallery/words.js";

const LINE_PIXELS = 16;
const PADDING_PIXELS = 20;

// Node id -> the key of what the box says before the first run, whether its lines may wrap, and how
// many lines it shows at least.
const SHOWN = {
  TiNOOptimize: { hint: "hint_loss", wrap: true, lines: 5 },
  MGIEConditioning: { hint: "hint_imagined", wrap: true, lines: 3 },
  MGIEEmbeddings: { hint: "hint_imagined", wrap: true, lines: 3 },
  MultiSeedPartialSampler: { hint: "hint_run", wrap: true, lines: 3 },
};

function addBox(node, { hint, wrap, lines }) {
  const box = document.createElement("textarea");
  box.className = "comfy-multiline-input";
  box.readOnly = true;
  box.placeholder = say(hint);
  box.spellcheck = false;
  box.style.whiteSpace = wrap ? "pre-wrap" : "pre";
  box.style.fontFamily = wrap ? "" : "monospace";
  box.style.fontSize = "11px";
  box.style.lineHeight = `${LINE_PIXELS}px`;
  Object.assign(box.style, { overflow: "auto", width: "100%", height: "100%", boxSizing: "border-box" });
  const height = () => {
    const used = wrap ? lines : Math.max(lines, box.value.split("\n").length);
    return used * LINE_PIXELS + PADDING_PIXELS;
  };
  // Registered names (`customtext` ...) are replaced by the frontend's own widgets.
  const widget = node.addDOMWidget("elect_text", "ELECT_TEXT", box, {
    // What a run reports is no input: it goes neither into the prompt nor into the saved file.
    serialize: false,
    getValue: () => box.value,
    setValue: (text) => (box.value = text),
    getMinHeight: height,
    getMaxHeight: height,
  });
  widget.serialize = false;
  node.setSize([node.size[0], node.computeSize()[1]]);
}

function show(node, text) {
  const widget = node.widgets?.find((candidate) => candidate.name === "elect_text");
  const lines = [text ?? []].flat();
  if (!widget || lines.length === 0) return;
  // A textarea's value is never read as markup, whatever the prompts in it say.
  widget.value = lines.join("\n");
  const [width, height] = node.computeSize();
  node.setSize([Math.max(node.size[0], width), Math.max(node.size[1], height)]);
  node.setDirtyCanvas(true, true);
}

app.registerExtension({
  name: "elect.tables",
  async beforeRegisterNodeDef(nodeType, nodeData) {
    const shown = SHOWN[nodeData.name];
    if (!shown) return;
    const { onNodeCreated, onExecuted } = nodeType.prototype;
    nodeType.prototype.onNodeCreated = function (...given) {
      const made = onNodeCreated?.apply(this, given);
      addBox(this, shown);
      return made;
    };
    nodeType.prototype.onExecuted = function (output, ...given) {
      onExecuted?.call(this, output, ...given);
      show(this, output?.text);
    };
  },
  // Another workflow's tab was opened and this one's came back: its outputs are still known.
  loadedGraphNode(node) {
    if (!SHOWN[node.comfyClass]) return;
    requestAnimationFrame(() => show(node, outputOf(node)?.text));
  },
});

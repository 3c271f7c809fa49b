// A button on TiNO Optimize that ends its run early and keeps the best result (Cancel keeps none).
import { app } from "../../scripts/app.js";
import { api } from "../../scripts/api.js";
import { say } from "./gallery/words.js";

const NODE = "TiNOOptimize";
const buttons = new Map();

function addButton(node) {
  // The older Nodes 2.0 show a button's name, whatever its label.
  const button = node.addWidget("button", say("stop_keep"), null, () => stop(node), { serialize: false });
  button.serialize = false;
  button.disabled = true;
  button.tooltip = say("stop_keep_hint");
  buttons.set(node, button);
  const { onRemoved } = node;
  node.onRemoved = function (...given) {
    buttons.delete(node);
    return onRemoved?.apply(this, given);
  };
}

function label(node, text, disabled) {
  const button = buttons.get(node);
  button.label = text;
  button.disabled = disabled;
  node.setDirtyCanvas(true, true);
}

async function stop(node) {
  if (buttons.get(node).disabled) return;
  label(node, say("stopping"), true);
  const answer = await api.fetchApi("/tino/stop", { method: "POST" }).catch(() => null);
  if (!answer?.ok && buttons.has(node)) label(node, say("stop_keep"), false);
}

// Inside a subgraph the id is a path, `22:12`.
function showRunning({ detail }) {
  const running = String(detail?.node ?? detail ?? "").split(":").at(-1);
  for (const node of buttons.keys()) label(node, say("stop_keep"), String(node.id) !== running);
}

app.registerExtension({
  name: "tino.stop",
  setup() {
    api.addEventListener("executing", showRunning);
  },
  async beforeRegisterNodeDef(nodeType, nodeData) {
    if (nodeData.name !== NODE) return;
    const { onNodeCreated } = nodeType.prototype;
    nodeType.prototype.onNodeCreated = function (...given) {
      const made = onNodeCreated?.apply(this, given);
      addButton(this);
      return made;
    };
  },
});

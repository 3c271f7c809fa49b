// Nodes 2.0 of 1.32 show every input. There a button among a node's rows says in its data which rows
// are folded away, and a style sheet hides them: whatever Vue draws anew stays as the button says.
import { app } from "../../scripts/app.js";
import { make } from "./gallery/make.js";
import { adoptStyle } from "./gallery/style.js";

const ROWS = 64; // more than any node of ours has
const KNOWN = "Comfy.Node.AlwaysShowAdvancedWidgets"; // a frontend with this setting folds by itself
const TYPE = "ELECT_MORE";
const GAP = 4; // between the canvas's rows

const inVue = () => window.LiteGraph.vueNodesMode === true;

export const foldsRows = () => app.extensionManager?.setting?.get?.(KNOWN) === undefined;

export function addStyle() {
  const hidden = Array.from({ length: ROWS }, (_, row) => {
    const says = `.lg-node-widgets:has(.elect-more[data-folded~="${row}"])`;
    return `${says} > .lg-node-widget:nth-child(${row + 1}) { display: none; }`;
  });
  const look = `.elect-more { width: 100%; padding: 4px; border: 0; border-radius: 6px; cursor: pointer;
    background: var(--component-node-widget-background, #262729); color: inherit; font-size: 12px; }
    .elect-more:focus-visible { outline: 2px solid #3b82f6; }`;
  adoptStyle([look, ...hidden].join("\n"));
}

// The canvas has a button of its own: there this one is hidden, and its row has no height.
export function addRowsButton(node, name, toggle) {
  const button = make("button", { type: "button", className: "elect-more" });
  button.addEventListener("pointerdown", (event) => event.stopPropagation());
  button.addEventListener("click", toggle);
  const widget = node.addDOMWidget(name, TYPE, button, { serialize: false, hideInPanel: true });
  widget.serialize = false;
  widget.computeSize = () => [0, -GAP];
  Object.defineProperty(widget, "hidden", { get: () => !inVue(), set() {} });
  return widget;
}

// The rows that Vue draws are the widgets without those that are hidden or meant for the canvas.
export function foldRows(node, widget, label, isFolded) {
  const drawn = node.widgets.filter((one) => !one.options?.hidden && !one.options?.canvasOnly && one.type);
  const rows = drawn.flatMap((one, row) => (isFolded(one) ? [row] : []));
  widget.element.dataset.folded = rows.join(" ");
  widget.element.textContent = label;
}

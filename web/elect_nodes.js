// How the pack's nodes start out: seeds stay as they are after a run, and wires of the pack's own
// types have colours.
import { app } from "../../scripts/app.js";
import { adoptStyle } from "./gallery/style.js";

// Node id -> widgets whose value ComfyUI would draw anew after each run.
const SEEDS = { MultiSeedPartialSampler: "first_seed", ELECTSampler: "first_seed", TiNOOptimize: "seed" };
const COLOURS = {
  ELECT_CANDIDATES: "#5fa8d3",
  LATENT_CLIP: "#d3a25f",
  LATENT_VGG: "#b98bd1",
  MGIE_MODEL: "#8bc48a",
};

// Another choice must not mean other candidates. A file that says otherwise is read after this.
function keepSeed(node) {
  const seed = node.widgets?.find((widget) => widget.name === SEEDS[node.comfyClass]);
  const control = seed?.linkedWidgets?.find((widget) => widget.name === "control_after_generate");
  if (control) control.value = "fixed";
}

// A theme sets the colours of the types it knows and clears all others.
function colourWires() {
  const byType = app.canvas?.default_connection_color_byType;
  const links = window.LGraphCanvas?.link_type_colors;
  for (const [type, colour] of Object.entries(COLOURS)) {
    if (byType) byType[type] ||= colour;
    if (links) links[type] ||= colour;
  }
}

function colourSlots() {
  const rules = Object.entries(COLOURS).map(([type, colour]) => `--color-datatype-${type}: ${colour};`);
  adoptStyle(`:root { ${rules.join(" ")} }`);
}

app.registerExtension({
  name: "elect.nodes",
  setup() {
    colourSlots();
    colourWires();
    app.ui?.settings?.addEventListener?.("Comfy.ColorPalette.change", () => setTimeout(colourWires));
  },
  nodeCreated(node) {
    colourWires();
    if (SEEDS[node.comfyClass]) keepSeed(node);
  },
});

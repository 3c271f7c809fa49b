// The gallery of one node: state, what it draws, what a click or a key does.
import { candidatesOf, electionsOf, ORDERS } from "./election.js";
import { choose, chosen, toggled } from "./choice.js";
import { details } from "./details.js";
import { headline, notices } from "./headline.js";
import { focusTile, moveFocus } from "./keys.js";
import { largeView } from "./large_view.js";
import { sheetTiles } from "./live.js";
import { make } from "./make.js";
import { pager } from "./pager.js";
import { finish, newSeeds } from "./queue.js";
import { tileOf } from "./tile.js";
import { TILE_SIZES, toolbar } from "./toolbar.js";
import { say } from "./words.js";
import { writeDown } from "./written.js";

const KEPT = "elect_gallery"; // in node.properties: saved with the workflow
const LOOK = "elect_gallery_look";

// An election with the pictures that were finished of it before, where it is the same one.
function withFinished(election, before) {
  const same = JSON.stringify(before?.pictures) === JSON.stringify(election.pictures);
  const known = election.seeds.filter((seed) => same && before.finished?.[seed]);
  return { ...election, finished: Object.fromEntries(known.map((seed) => [seed, before.finished[seed]])) };
}

export class Gallery {
  constructor(node) {
    this.node = node;
    // `widget-expands`: the older Nodes 2.0 let such a widget fill the node.
    const className = "elect-gallery widget-expands";
    this.element = make("div", { className, aria: { role: "group", label: say("candidates") } });
    // The canvas must neither drag the node nor take keys while someone works in here.
    for (const kind of ["pointerdown", "mousedown", "dblclick", "contextmenu"]) {
      this.element.addEventListener(kind, (event) => event.stopPropagation());
    }
    this.element.addEventListener("wheel", (event) => this.onWheel(event), { passive: true });
    this.element.addEventListener("keydown", (event) => this.onKey(event));
    this.draw();
  }

  // One a picture, where the node was run for a list of them.
  get elections() {
    return electionsOf(this.node.properties?.[KEPT]);
  }

  get election() {
    const { elections, look } = this;
    return elections[Math.min(look.picture, elections.length - 1)] ?? null;
  }

  get look() {
    return { order: "score", size: TILE_SIZES.default, open: false, picture: 0, ...this.node.properties?.[LOOK] };
  }

  show(record) {
    const before = this.elections;
    const [first, ...more] = electionsOf(record).map((one, place) => withFinished(one, before[place]));
    this.node.properties[KEPT] = { ...first, more };
    this.draw();
    writeDown();
  }

  // Shows what a run put out while the node was not on the canvas; false where that is known already.
  catchUp(record) {
    const told = (elections) =>
      JSON.stringify(elections.map((one) => [one.seeds, one.scores, one.elected, one.pictures]));
    if (!record || told(electionsOf(record)) === told(this.elections)) return false;
    this.show(record);
    return true;
  }

  // Finished pictures come in the order in which the seeds were put out, one election after the other.
  showFinished(pictures) {
    const left = [...pictures];
    for (const election of this.elections) {
      const { seeds, elected } = election;
      const mine = chosen(this.node, election).filter((seed) => seeds.includes(seed));
      const out = mine.length ? mine : [seeds[elected]];
      const found = out.map((seed) => [seed, left.shift()]).filter(([, file]) => file);
      election.finished = { ...election.finished, ...Object.fromEntries(found) };
    }
    this.draw();
    writeDown();
  }

  seeds() {
    return chosen(this.node, this.election);
  }

  draw() {
    const held = this.grid?.contains(document.activeElement)
      ? document.activeElement.dataset.seed
      : null;
    const { election } = this;
    this.grid = null;
    if (!election) {
      this.element.replaceChildren(make("p", { className: "elect-hint", textContent: say("empty") }));
      return;
    }
    const lines = notices(election, this.seeds());
    const heading = make("strong", { textContent: headline(election) });
    const said = make("div", { className: "elect-said", aria: { live: "polite" } });
    said.append(...pager(this.elections.length, this.look.picture, (one) => this.change(one)), heading);
    said.append(...lines.map((text) => make("div", { textContent: text })));
    this.grid = this.makeGrid();
    this.element.replaceChildren(
      said,
      ...toolbar(election, this.seeds(), this.look, (one) => this.change(one), this.actions()),
      this.grid,
      details(election, this.look.open, (open) => this.remember({ open }))
    );
    if (held) focusTile(this.grid, this.places().indexOf(held));
  }

  makeGrid() {
    const { election, look } = this;
    const scores = election.scores.filter((score) => score != null);
    const range = { low: Math.min(...scores), high: Math.max(...scores) };
    const seeds = this.seeds();
    const tiles = candidatesOf(election)
      .sort(ORDERS[look.order] ?? ORDERS.score)
      .map((candidate) => tileOf(candidate, seeds.indexOf(candidate.seed) + 1, range));
    if (tiles.length) tiles[0].tabIndex = 0;
    const aria = { role: "listbox", multiselectable: "true", label: say("candidates") };
    const grid = make("div", { className: "elect-grid", aria }, ...tiles);
    grid.style.setProperty("--elect-tile", `${look.size}px`);
    grid.addEventListener("click", (event) => this.onClick(event));
    grid.addEventListener("dblclick", (event) => this.onDoubleClick(event));
    return grid;
  }

  places() {
    return [...this.grid.children].map((tile) => tile.dataset.seed);
  }

  // A sheet of all candidates so far, while they are sampled.
  showLive(url, count) {
    this.grid = null;
    const tiles = make("div", { className: "elect-grid" }, ...sheetTiles(count, url));
    tiles.style.setProperty("--elect-tile", `${this.look.size}px`);
    const said = make("p", { className: "elect-hint", textContent: say("running", { count }) });
    this.element.replaceChildren(said, tiles);
  }

  remember(change) {
    this.node.properties[LOOK] = { ...this.look, ...change };
  }

  change(one) {
    this.remember(one);
    if (one.size) this.grid?.style.setProperty("--elect-tile", `${one.size}px`);
    else this.draw();
  }

  pick(seeds) {
    choose(this.node, seeds);
    this.draw();
  }

  actions() {
    return {
      finish: () => finish(this.node),
      newSeeds: () => this.reroll(),
      finishTop: (count) => {
        const { order, seeds } = this.election;
        this.pick(order.slice(0, count).map((index) => seeds[index]));
        finish(this.node);
      },
      automatic: () => this.pick([]),
      large: () => this.openSeed(this.seeds()[0] ?? this.election.seeds[this.election.best]),
    };
  }

  reroll() {
    const mine = this.seeds().filter((seed) => this.election.seeds.includes(seed));
    newSeeds(this.node, this.election, mine.length ? mine : [this.election.seeds[this.election.best]]);
  }

  onClick(event) {
    const tile = event.target.closest(".elect-tile");
    if (!tile || event.detail > 1) return; // the second click of a double one
    const several = event.ctrlKey || event.metaKey || event.shiftKey;
    this.before = this.seeds();
    this.pick(toggled(this.before, tile.dataset.seed, several));
    focusTile(this.grid, this.places().indexOf(tile.dataset.seed));
  }

  // To look closer is no choice: the first of the two clicks is taken back.
  onDoubleClick(event) {
    const { seed } = event.target.closest(".elect-tile")?.dataset ?? {};
    if (!seed) return;
    if (this.before) this.pick(this.before);
    this.openSeed(seed);
  }

  onWheel(event) {
    const scrolls = this.element.scrollHeight > this.element.clientHeight;
    if (scrolls && !event.ctrlKey) event.stopPropagation();
  }

  onKey(event) {
    const tile = event.target.closest(".elect-tile");
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) finish(this.node);
    else if (tile && event.key === " ") this.open(tile);
    else if (tile && event.key === "Enter") {
      this.pick(toggled(this.seeds(), tile.dataset.seed, event.shiftKey));
    } else if (!(tile && moveFocus(this.grid, event))) {
      if (!["Escape"].includes(event.key)) event.stopPropagation();
      return;
    }
    event.preventDefault();
    event.stopPropagation();
  }

  open(target) {
    const tile = target.closest(".elect-tile");
    if (tile) this.openSeed(tile.dataset.seed);
  }

  openSeed(seed) {
    const seeds = this.places();
    const candidates = candidatesOf(this.election);
    const shown = seeds.map((one) => candidates.find((candidate) => candidate.seed === one));
    // Over the page, not in the node: there Nodes 2.0 takes the wheel before the view has it.
    largeView(document.body, this.election, shown, seeds.indexOf(seed), {
      chosen: () => this.seeds(),
      choose: (one) => this.pick([one]),
      keep: (one) => this.pick(toggled(this.seeds(), one, true)),
      finish: () => finish(this.node),
      closed: (one) => this.grid && focusTile(this.grid, this.places().indexOf(one)),
    });
  }
}

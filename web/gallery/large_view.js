// One candidate at a time over the whole window, against the source.
import { Layers } from "./layers.js";
import { button, make } from "./make.js";
import { asScore, outOf } from "./tile.js";
import { say } from "./words.js";
import { Zoom } from "./zoom.js";

class LargeView {
  constructor(home, election, candidates, place, actions) {
    Object.assign(this, { election, candidates, place, actions });
    this.layers = new Layers(election);
    this.stage = make("div", { className: "elect-stage" }, this.layers.element);
    this.title = make("div", { className: "elect-title", aria: { live: "polite" } });
    this.zoom = new Zoom(this.stage, this.layers.element, (share) => this.slide(share));
    this.dialog = make("dialog", { className: "elect-dialog", aria: { label: say("large") } });
    this.dialog.append(this.title, this.stage, this.makeSlider(), this.makeBar());
    this.dialog.append(make("div", { className: "elect-keys", textContent: say("keys") }));
    for (const kind of ["keydown", "keyup", "pointerdown", "mousedown", "wheel"]) {
      this.dialog.addEventListener(kind, (event) => event.stopPropagation());
    }
    this.dialog.addEventListener("keydown", (event) => this.onKey(event));
    this.dialog.addEventListener("keyup", (event) => this.onKeyUp(event));
    this.dialog.addEventListener("close", () => this.onClose());
    home.append(this.dialog);
    this.dialog.showModal();
    this.refresh();
    this.first.focus();
  }

  get candidate() {
    return this.candidates[this.place];
  }

  makeSlider() {
    this.slider = make("input", { type: "range", min: 0, max: 100, value: 50, title: say("slider") });
    this.slider.setAttribute("aria-label", say("slider"));
    this.slider.addEventListener("input", () => this.layers.slide(this.slider.value / 100));
    this.slider.hidden = !this.layers.hasSource;
    return this.slider;
  }

  slide(share) {
    this.layers.slide(share);
    this.slider.value = Math.round(this.layers.share * 100);
  }

  makeBar() {
    const bar = make("div", { className: "elect-toolbar" });
    this.first = button(say("choose"), "", () => this.choose());
    this.first.className = "elect-main";
    this.keepButton = button(say("keep"), "", () => this.keep());
    bar.append(this.first, button(say("choose_finish"), "", () => this.chooseAndFinish()), this.keepButton);
    this.toggles = {};
    if (this.layers.hasRelevance) this.addToggle(bar, "relevance", "relevance");
    if (this.layers.hasSource) {
      this.addToggle(bar, "difference", "difference");
      this.addToggle(bar, "source", "hold");
    }
    bar.append(button(say("close_view"), "", () => this.dialog.close()));
    return bar;
  }

  addToggle(bar, state, word) {
    const toggle = button(say(word), "", () => this.toggle(state));
    toggle.setAttribute("aria-pressed", "false");
    this.toggles[state] = toggle;
    bar.append(toggle);
  }

  toggle(state, value = !this.layers.state[state]) {
    if (!this.toggles[state]) return;
    this.layers.set({ [state]: value });
    this.toggles[state].setAttribute("aria-pressed", String(value));
  }

  refresh() {
    const { candidate } = this;
    const { number, rank, seed, score } = candidate;
    const chosen = this.actions.chosen();
    this.layers.show(candidate);
    const parts = [say("place", { number, place: rank, count: this.candidates.length })];
    parts.push(`${say("score")} ${asScore(score)}`, `${say("seed")} ${seed}`);
    parts.push(say(candidate.finished ? "finished" : "estimate"));
    if (outOf(candidate)) parts.push(outOf(candidate));
    if (candidate.best) parts.push(say("badge_best"));
    if (chosen.includes(seed)) parts.push(say("badge_yours"));
    this.title.textContent = parts.join("  ·  ");
    this.keepButton.setAttribute("aria-pressed", String(chosen.includes(seed)));
  }

  go(step) {
    const count = this.candidates.length;
    this.place = (this.place + step + count) % count;
    this.refresh();
  }

  choose() {
    this.actions.choose(this.candidate.seed);
    this.dialog.close();
  }

  chooseAndFinish() {
    this.choose();
    this.actions.finish();
  }

  keep() {
    this.actions.keep(this.candidate.seed);
    this.refresh();
  }

  onKey(event) {
    if (event.key === "Escape" || event.key === "Tab") return;
    const onSlider = event.target === this.slider && event.key.startsWith("Arrow");
    const onButton = event.target.tagName === "BUTTON" && event.target !== this.first;
    if (onSlider || (onButton && [" ", "Enter"].includes(event.key) && !event.ctrlKey)) return;
    const act = this.keys(event)[event.key.toLowerCase()];
    event.preventDefault();
    act?.();
  }

  keys(event) {
    const enter = () => (event.ctrlKey || event.metaKey ? this.chooseAndFinish() : this.choose());
    return {
      arrowright: () => this.go(1),
      arrowdown: () => this.go(1),
      arrowleft: () => this.go(-1),
      arrowup: () => this.go(-1),
      enter,
      k: () => this.keep(),
      r: () => event.repeat || this.toggle("relevance"),
      d: () => event.repeat || this.toggle("difference"),
      s: () => this.toggle("source", true),
      "+": () => this.zoom.zoom(1.25),
      "-": () => this.zoom.zoom(0.8),
      0: () => this.zoom.reset(),
    };
  }

  onKeyUp(event) {
    if (event.key.toLowerCase() === "s") this.toggle("source", false);
  }

  onClose() {
    this.dialog.remove();
    this.actions.closed(this.candidate.seed);
  }
}

// home: the element that holds it; candidates: in the order of the tiles; actions: chosen, choose,
// keep, finish, closed
export function largeView(home, election, candidates, place, actions) {
  return new LargeView(home, election, candidates, Math.max(0, place), actions);
}

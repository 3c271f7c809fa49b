// The pictures of the large view, one upon the other: candidate, source up to the slider, change,
// edited region.
import { pictureUrl } from "./election.js";
import { make } from "./make.js";
import { say } from "./words.js";

const image = (name, file) => {
  const picture = make("img", { className: `elect-layer elect-layer-${name}`, draggable: false });
  picture.alt = name === "source" ? say("source") : "";
  if (file) picture.src = pictureUrl(file);
  return picture;
};

export class Layers {
  constructor(election) {
    const { source, relevance } = election;
    this.hasSource = source !== null;
    this.hasRelevance = relevance !== null;
    this.candidate = image("candidate", null);
    this.source = image("source", source);
    this.negative = image("negative", source);
    this.region = image("region", relevance);
    this.cover = make("span", { className: "elect-layer elect-layer-cover" });
    if (relevance) this.cover.style.setProperty("--elect-region", `url("${pictureUrl(relevance)}")`);
    this.line = make("span", { className: "elect-line", aria: { hidden: "true" } });
    // Difference first, then light: both apply to the candidate and the source together.
    const change = make("span", { className: "elect-layer elect-change" }, this.candidate, this.negative);
    this.element = make("div", { className: "elect-layers" }, change, this.cover, this.source, this.region, this.line);
    this.state = { difference: false, relevance: false, source: false };
    this.slide(0.5);
  }

  show(candidate) {
    const file = candidate.finished ?? candidate.picture;
    this.candidate.src = file ? pictureUrl(file) : "";
    this.candidate.alt = say("place", { number: candidate.number, place: candidate.rank, count: "" });
  }

  // Share of the width, from the left, that shows the source.
  slide(share) {
    this.share = Math.min(1, Math.max(0, share));
    this.refresh();
  }

  set(change) {
    Object.assign(this.state, change);
    this.refresh();
  }

  refresh() {
    const { difference, relevance, source } = this.state;
    const share = source ? 1 : difference ? 0 : this.share;
    this.source.hidden = !this.hasSource;
    this.source.style.clipPath = `inset(0 ${100 - share * 100}% 0 0)`;
    this.line.hidden = !this.hasSource || source || difference;
    this.line.style.left = `${share * 100}%`;
    this.negative.hidden = !(difference && this.hasSource);
    this.element.classList.toggle("elect-differs", difference && this.hasSource);
    this.cover.hidden = !(difference && this.hasRelevance);
    this.region.hidden = !(relevance && this.hasRelevance);
  }
}

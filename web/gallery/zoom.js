// Wheel zoom about the pointer and moving by drag; it stays from candidate to candidate.
const LARGEST = 16;

export class Zoom {
  // stage: the window; content: what is moved and scaled; onSlide(share): a drag at scale 1
  constructor(stage, content, onSlide) {
    Object.assign(this, { stage, content, onSlide });
    this.reset();
    stage.addEventListener("wheel", (event) => this.onWheel(event), { passive: false });
    stage.addEventListener("pointerdown", (event) => this.onDown(event));
    stage.addEventListener("pointermove", (event) => this.onMove(event));
    stage.addEventListener("pointerup", () => (this.drag = null));
    stage.addEventListener("pointercancel", () => (this.drag = null));
  }

  reset() {
    Object.assign(this, { scale: 1, x: 0, y: 0, drag: null });
    this.apply();
  }

  apply() {
    this.content.style.transform = `translate(${this.x}px, ${this.y}px) scale(${this.scale})`;
  }

  onWheel(event) {
    event.preventDefault();
    event.stopPropagation();
    const box = this.stage.getBoundingClientRect();
    this.zoom(
      Math.exp(-event.deltaY / 400),
      event.clientX - box.left - box.width / 2,
      event.clientY - box.top - box.height / 2
    );
  }

  // x, y: the point that stays, from the middle
  zoom(factor, x = 0, y = 0) {
    const scale = Math.min(LARGEST, Math.max(1, this.scale * factor));
    const grown = scale / this.scale;
    this.x = scale === 1 ? 0 : x - (x - this.x) * grown;
    this.y = scale === 1 ? 0 : y - (y - this.y) * grown;
    this.scale = scale;
    this.apply();
  }

  onDown(event) {
    this.stage.setPointerCapture(event.pointerId);
    this.drag = { x: event.clientX - this.x, y: event.clientY - this.y };
    this.slides = this.scale === 1 || event.shiftKey;
    if (this.slides) this.slideTo(event.clientX);
  }

  onMove(event) {
    if (!this.drag) return;
    if (this.slides) return this.slideTo(event.clientX);
    this.x = event.clientX - this.drag.x;
    this.y = event.clientY - this.drag.y;
    this.apply();
  }

  slideTo(clientX) {
    const box = this.content.getBoundingClientRect();
    this.onSlide((clientX - box.left) / box.width);
  }
}

/* The strip: all leads on ECG paper, to scale, with the beats above them. */

const MM = 96 / 25.4; // a millimetre in CSS pixels
const USUAL_SPEED = 25; // mm for a second
const FASTEST = 200;
const BAND = 46; // pixels above the leads, for letters and probabilities
const AXIS = 22; // pixels below them, for times
const PAPER = 250; // mm: the width of a printed strip, 10 s
const DETAIL_SECONDS = 240; // longer stretches are drawn from the overview
const TIME_STEPS = [0.2, 0.5, 1, 2, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 7200, 14400, 43200];

class Strip {
  /**
   * canvas, page facts, leads, beats and clock; `changed` is called after each move or selection.
   */
  constructor(canvas, facts, leads, beats, clock, changed) {
    Object.assign(this, { canvas, facts, leads, beats, clock, changed });
    this.start = 0; // s at the left edge
    this.speed = USUAL_SPEED; // mm for a second
    this.gain = 10; // mm for a mV
    this.selected = -1; // a beat
    this.stretch = null; // [from, to] in s, selected by dragging with shift
    this.sharpness = 0; // pixels of the canvas for a CSS pixel; 0 is the screen's
    this.drawings = 0;
    this.complete = null; // settled when the samples in sight are drawn
    this.width = canvas.clientWidth; // CSS pixels
    this.listen();
    new ResizeObserver(() => this.sharpness || this.moveTo(this.start)).observe(canvas.parentElement);
  }

  // --- where things are ---------------------------------------------------------------------

  get seconds() {
    return this.width / (this.speed * MM);
  }

  x(time) {
    return (time - this.start) * this.speed * MM;
  }

  time(x) {
    return this.start + x / (this.speed * MM);
  }

  rowHeight(lead) {
    return Math.min(320, Math.max(20 * MM, lead.height * this.gain * MM));
  }

  // --- moving -------------------------------------------------------------------------------

  /** Move the left edge, within the recording. */
  moveTo(start) {
    const last = Math.max(0, this.facts.seconds - this.seconds);
    this.start = Math.min(Math.max(0, start), last);
    this.draw();
    this.changed();
  }

  /** Show a stretch as large as fits. */
  fit(from, to) {
    this.setSpeed(this.width / MM / Math.max(to - from, 0.5));
    this.moveTo(from);
  }

  /** Put a time a third from the left. */
  show(time) {
    this.moveTo(time - this.seconds / 3);
  }

  setSpeed(speed) {
    const slowest = this.width / MM / Math.max(this.facts.seconds, 1);
    this.speed = Math.min(FASTEST, Math.max(Math.min(slowest, USUAL_SPEED), speed));
  }

  /** Zoom by a factor; what is at x (the middle, when not given) stays there. */
  zoom(factor, x = this.width / 2) {
    const time = this.time(x);
    this.setSpeed(this.speed * factor);
    this.moveTo(time - x / (this.speed * MM));
  }

  usualScale() {
    const middle = this.start + this.seconds / 2;
    this.gain = 10;
    this.speed = USUAL_SPEED;
    this.moveTo(middle - this.seconds / 2);
  }

  setGain(gain) {
    this.gain = Math.min(40, Math.max(2.5, gain));
    this.draw();
    this.changed();
  }

  /** Select a stretch, from and to in s; null for none. */
  mark(stretch) {
    this.stretch = stretch;
    this.draw();
    if (stretch) announce("ecg-stretch", { start: stretch[0], stop: stretch[1] });
  }

  select(beat) {
    this.selected = beat;
    const x = this.x(this.beats.times[beat]);
    if (x < 0.08 * this.width || x > 0.92 * this.width) this.show(this.beats.times[beat]);
    else {
      this.draw();
      this.changed();
    }
  }

  // --- pointer ------------------------------------------------------------------------------

  listen() {
    let from = null;
    const canvas = this.canvas;
    const xOf = (event) => event.clientX - canvas.getBoundingClientRect().left;
    canvas.addEventListener("pointerdown", (event) => {
      from = { x: xOf(event), start: this.start, moved: false, stretch: event.shiftKey };
      canvas.setPointerCapture(event.pointerId);
    });
    canvas.addEventListener("pointermove", (event) => {
      if (!from) return;
      const way = xOf(event) - from.x;
      from.moved ||= Math.abs(way) > 4;
      if (!from.moved) return;
      if (from.stretch) {
        this.stretch = [this.time(from.x), this.time(xOf(event))].sort((a, b) => a - b);
        this.draw();
      } else this.moveTo(from.start - way / (this.speed * MM));
    });
    canvas.addEventListener("pointerup", (event) => {
      const moved = from?.moved;
      const stretched = moved && from.stretch;
      from = null;
      if (stretched) this.mark(this.stretch);
      if (moved) return;
      this.stretch = null;
      const beat = this.beats.nearest(this.time(xOf(event)));
      if (beat >= 0) choose(beat);
    });
    canvas.addEventListener("pointercancel", () => (from = null));
    canvas.addEventListener(
      "wheel",
      (event) => {
        if (event.ctrlKey) this.zoom(Math.exp(-event.deltaY / 200), xOf(event));
        else if (Math.abs(event.deltaX) > Math.abs(event.deltaY) || event.shiftKey)
          this.moveTo(this.start + (event.deltaX || event.deltaY) / (this.speed * MM));
        else return; // the page scrolls
        event.preventDefault();
      },
      { passive: false },
    );
  }

  // --- drawing ------------------------------------------------------------------------------

  /** Draw now; samples that are not unpacked yet follow as soon as they are. */
  draw() {
    const drawing = ++this.drawings;
    this.paint();
    const missing = this.loading();
    if (!missing.length) return;
    this.canvas.dataset.state = "loading";
    this.complete = Promise.all(missing).then(() => {
      if (drawing === this.drawings) this.paint();
    });
  }

  get detailed() {
    return this.seconds <= DETAIL_SECONDS;
  }

  /** The numbers of the first and last piece in sight. */
  piecesInSight() {
    const samples = this.facts.piece;
    const last = this.leads[0].pieces.length - 1;
    const of = (time) => Math.min(last, Math.max(0, Math.floor((time * this.facts.rate) / samples)));
    const seconds = Math.max(this.seconds, PAPER / this.speed); // printing cannot wait for more
    return [of(this.start), of(this.start + seconds)];
  }

  /** What has to be unpacked before the view is complete. */
  loading() {
    if (!this.detailed) {
      return this.leads.filter((lead) => !lead.overview).map((lead) => lead.loadOverview());
    }
    const [first, last] = this.piecesInSight();
    return this.leads
      .filter((lead) => !lead.has(first, last))
      .map((lead) => lead.load(first, last));
  }

  paint() {
    this.width = this.canvas.clientWidth;
    const ratio = this.sharpness || window.devicePixelRatio || 1;
    const height = this.leads.reduce((sum, lead) => sum + this.rowHeight(lead), BAND + AXIS);
    const { canvas, width } = this;
    canvas.style.height = `${height}px`;
    if (canvas.width !== Math.round(width * ratio)) canvas.width = Math.round(width * ratio);
    if (canvas.height !== Math.round(height * ratio)) canvas.height = Math.round(height * ratio);
    const pen = canvas.getContext("2d");
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    this.ink = inks();
    pen.fillStyle = this.ink.paper;
    pen.fillRect(0, 0, width, height);
    this.drawGrid(pen, height);
    this.drawStretches(pen, height);
    this.drawSelection(pen, height);
    let complete = true;
    let top = BAND;
    for (const lead of this.leads) {
      complete = this.drawLead(pen, lead, top) && complete;
      top += this.rowHeight(lead);
    }
    this.drawBeats(pen, height);
    this.drawTimes(pen, height);
    canvas.dataset.state = complete ? "drawn" : "loading";
  }

  /** Paper: lines each 0.04 s and 0.1 mV, bold each 0.2 s and 0.5 mV; 1 and 5 mm at usual scale. */
  drawGrid(pen, height) {
    const bottom = height - AXIS;
    const lines = (step, colour, draw) => {
      pen.strokeStyle = colour;
      pen.lineWidth = 1;
      pen.beginPath();
      draw(step);
      pen.stroke();
    };
    const upright = (step) => {
      for (let k = Math.ceil(this.start / step); this.x(k * step) <= this.width; k++) {
        const x = Math.round(this.x(k * step)) + 0.5;
        pen.moveTo(x, BAND);
        pen.lineTo(x, bottom);
      }
    };
    const across = (step) => {
      let top = BAND;
      for (const lead of this.leads) {
        const rows = this.rowHeight(lead);
        const middle = top + rows / 2;
        const most = Math.floor(rows / 2 / (step * this.gain * MM));
        for (let k = -most; k <= most; k++) {
          const y = Math.round(middle + k * step * this.gain * MM) + 0.5;
          pen.moveTo(0, y);
          pen.lineTo(this.width, y);
        }
        top += rows;
      }
    };
    for (const [time, level, colour] of [
      [0.04, 0.1, this.ink.fine],
      [0.2, 0.5, this.ink.bold],
    ]) {
      if (time * this.speed * MM >= 3) lines(time, colour, upright);
      if (level * this.gain * MM >= 3) lines(level, colour, across);
    }
  }

  /** Bands: fibrillation above the leads, stretches without ECG over them; each is named. */
  drawStretches(pen, height) {
    for (const [from, to] of this.facts.unusable) {
      const [left, right] = this.inSight(from, to);
      if (right <= left) continue;
      hatch(pen, left, BAND, right - left, height - BAND - AXIS, this.ink.muted);
      this.label(pen, "no ECG", left, right, BAND + 30, this.ink.muted);
    }
    for (const [from, to] of this.facts.fibrillation) {
      const [left, right] = this.inSight(from, to);
      if (right <= left) continue;
      pen.fillStyle = this.ink.F;
      pen.fillRect(left, BAND - 4, right - left, 4);
      this.label(pen, "fibrillation", left, right, BAND + 14, this.ink.F);
    }
  }

  inSight(from, to) {
    return [Math.max(0, this.x(from)), Math.min(this.width, this.x(to))];
  }

  label(pen, text, left, right, y, colour) {
    pen.font = "12px system-ui, sans-serif";
    const x = Math.max(left + 4, 80); // beside the lead's name
    if (x + pen.measureText(text).width > right) return;
    pen.textAlign = "left";
    pen.fillStyle = colour;
    pen.fillText(text, x, y);
  }

  drawSelection(pen, height) {
    const box = (left, right) => {
      pen.fillStyle = this.ink.selection;
      pen.fillRect(left, 0, right - left, height - AXIS);
      pen.strokeStyle = this.ink.accent;
      pen.strokeRect(left + 0.5, 0.5, right - left, height - AXIS - 1);
    };
    if (this.stretch) box(...this.stretch.map((time) => this.x(time)));
    if (this.selected < 0) return;
    const x = this.x(this.beats.times[this.selected]);
    const half = Math.max(5, Math.min(22, 0.2 * this.speed * MM));
    box(x - half, x + half);
  }

  /** Draw a lead; false when its samples are not unpacked yet. */
  drawLead(pen, lead, top) {
    const height = this.rowHeight(lead);
    pen.save();
    pen.beginPath();
    pen.rect(0, top, this.width, height);
    pen.clip();
    pen.strokeStyle = this.ink.trace;
    pen.lineWidth = 1.25;
    pen.lineJoin = "round";
    const complete = this.detailed ? this.trace(pen, lead, top) : this.envelope(pen, lead, top);
    pen.restore();
    pen.font = "bold 13px system-ui, sans-serif";
    pen.textAlign = "left";
    pen.lineWidth = 4;
    pen.strokeStyle = this.ink.paper;
    pen.strokeText(lead.name, 6, top + 15);
    pen.fillStyle = this.ink.text;
    pen.fillText(lead.name, 6, top + 15);
    return complete;
  }

  /** From levels to the pixel: what is in sight stands in its row as most of the lead does. */
  scale(levels, lead, top) {
    const known = levels.filter((level) => level !== MISSING).sort((a, b) => a - b);
    const pixels = this.facts.millivolts * this.gain * MM;
    const middle = (known.length ? known[known.length >> 1] : 0) + lead.middle / this.facts.millivolts;
    return (level) => top + this.rowHeight(lead) / 2 - (level - middle) * pixels;
  }

  /** Samples, or the lowest and highest of each pixel where a pixel has several. */
  trace(pen, lead, top) {
    const { rate, piece: size } = this.facts;
    const [firstPiece, lastPiece] = this.piecesInSight();
    if (!lead.has(firstPiece, lastPiece)) return false;
    const first = Math.max(0, Math.floor(this.start * rate) - 1);
    const last = Math.ceil((this.start + this.seconds) * rate) + 1;
    const at = (sample) => lead.unpacked.get(Math.floor(sample / size))?.[sample % size] ?? MISSING;
    const some = Array.from({ length: 301 }, (_, i) => at(first + Math.round(((last - first) * i) / 300)));
    const y = this.scale(some, lead, top);
    const perPixel = rate / (this.speed * MM);
    pen.beginPath();
    if (perPixel <= 2) {
      let drawing = false;
      for (let sample = first; sample <= last; sample++) {
        const level = at(sample);
        if (level === MISSING) drawing = false;
        else if (drawing) pen.lineTo(this.x(sample / rate), y(level));
        else pen.moveTo(this.x(sample / rate), y(level));
        drawing = level !== MISSING;
      }
    } else {
      columns(pen, this.width, (x) => {
        const from = Math.floor(this.time(x) * rate);
        return range(at, at, from, Math.max(from + 1, Math.floor(this.time(x + 1) * rate)), y);
      });
    }
    pen.stroke();
    return true;
  }

  /** Lowest and highest of each pixel, from the overview. */
  envelope(pen, lead, top) {
    if (!lead.overview) return false;
    const [low, high] = lead.overview;
    const perSecond = this.facts.rate / this.facts.overview;
    const of = (time) => Math.floor(time * perSecond);
    const first = Math.max(0, of(this.start));
    const step = Math.max(1, Math.floor((of(this.start + this.seconds) - first) / 300));
    const some = low.slice(first, of(this.start + this.seconds) + 1).filter((_, i) => i % step === 0);
    const y = this.scale(Array.from(some), lead, top);
    const [lowAt, highAt] = [low, high].map((edge) => (k) => edge[k] ?? MISSING);
    pen.beginPath();
    columns(pen, this.width, (x) => {
      const from = of(this.time(x));
      return range(lowAt, highAt, from, Math.max(from + 1, of(this.time(x + 1))), y);
    });
    pen.stroke();
    return true;
  }

  /** A mark at each R peak; letter and probability above where there is room for them. */
  drawBeats(pen, height) {
    const first = this.beats.from(this.start);
    const after = this.beats.from(this.start + this.seconds);
    const room = this.width / Math.max(1, after - first);
    const bottom = height - AXIS;
    let lastLetter = -Infinity;
    pen.textAlign = "center";
    for (let beat = first; beat < after; beat++) {
      const x = this.x(this.beats.times[beat]);
      const letter = this.beats.letter(beat);
      if (room < 5 && (letter === "N" || letter === "")) continue;
      const colour = this.ink[letter] ?? this.ink.text;
      pen.fillStyle = pen.strokeStyle = colour;
      pen.lineWidth = letter === "N" ? 1 : 2;
      pen.beginPath();
      pen.moveTo(x, BAND - 9);
      pen.lineTo(x, BAND);
      pen.moveTo(x, bottom);
      pen.lineTo(x, bottom - 6);
      pen.stroke();
      if ((room < 11 && letter === "N") || x - lastLetter < 11) continue;
      lastLetter = x;
      const highest = this.beats.highest(beat);
      const doubtful = letter && highest < this.facts.doubtful ? "?" : "";
      pen.font = `${letter === "N" ? "" : "bold "}15px system-ui, sans-serif`;
      pen.fillText((letter || "–") + (letter === "?" ? "" : doubtful), x, 17);
      if (room < 34 || !letter || x < 12 || x > this.width - 12) continue;
      pen.font = "11px system-ui, sans-serif";
      pen.fillStyle = this.ink.muted;
      pen.fillText(highest.toFixed(2), x, 32);
    }
  }

  drawTimes(pen, height) {
    const step = TIME_STEPS.find((each) => each * this.speed * MM >= 80) ?? 86400;
    const decimals = step < 1 ? 1 : 0;
    const offset = this.clock.offset;
    pen.font = "12px system-ui, sans-serif";
    pen.textAlign = "center";
    pen.fillStyle = pen.strokeStyle = this.ink.text;
    pen.lineWidth = 1;
    pen.beginPath();
    for (let k = Math.ceil((this.start + offset) / step); ; k++) {
      const time = k * step - offset;
      const x = this.x(time);
      if (x > this.width || time > this.facts.seconds) break;
      pen.moveTo(x, height - AXIS);
      pen.lineTo(x, height - AXIS + 4);
      if (x > 24 && x < this.width - 24) pen.fillText(this.clock.text(time, decimals), x, height - 5);
    }
    pen.stroke();
  }
}

/** The colours of the strip, from the style sheet. */
function inks() {
  const style = getComputedStyle(document.documentElement);
  const names = ["paper", "fine", "bold", "trace", "text", "muted", "accent", "selection"];
  const ink = Object.fromEntries(names.map((name) => [name, style.getPropertyValue(`--${name}`)]));
  for (const letter of "NSVFQ") ink[letter] = style.getPropertyValue(`--class-${letter}`);
  return ink;
}

/** The y of the lowest and highest level of from..to (excluded); null when all are missing. */
function range(lowAt, highAt, from, to, y) {
  let low = Infinity;
  let high = -Infinity;
  for (let k = from; k < to; k++) {
    if (highAt(k) === MISSING) continue;
    low = Math.min(low, lowAt(k));
    high = Math.max(high, highAt(k));
  }
  return high === -Infinity ? null : [y(high), y(low)];
}

/** An upright line in each pixel column, joined to the one before it. */
function columns(pen, width, edges) {
  let before = null;
  for (let x = 0; x < width; x++) {
    const pair = edges(x);
    if (pair) {
      let [top, bottom] = pair;
      if (before) {
        top = Math.min(top, before[1]);
        bottom = Math.max(bottom, before[0]);
      }
      pen.moveTo(x + 0.5, top);
      pen.lineTo(x + 0.5, Math.max(bottom, top + 1));
    }
    before = pair;
  }
}

/** Slanted lines over a rectangle. */
function hatch(pen, left, top, width, height, colour) {
  pen.save();
  pen.beginPath();
  pen.rect(left, top, width, height);
  pen.clip();
  pen.strokeStyle = colour;
  pen.globalAlpha = 0.5;
  pen.beginPath();
  const first = Math.floor((left - height) / 10) * 10;
  for (let x = first; x < left + width; x += 10) {
    pen.moveTo(x, top + height);
    pen.lineTo(x + height, top);
  }
  pen.stroke();
  pen.restore();
}

/* What the page holds, unpacked: leads, beats, clock times. The counterpart of encoding.py. */

/** The text of a data block of the page. */
function textOf(id) {
  return document.getElementById(id).textContent.trim();
}

/** Bytes that were deflated and written in base64. */
async function unpack(text) {
  const letters = atob(text);
  const bytes = new Uint8Array(letters.length);
  for (let i = 0; i < letters.length; i++) bytes[i] = letters.charCodeAt(i);
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/** Levels from folded differences: low bytes, then high bytes. */
function unfold(bytes) {
  const count = bytes.length / 2;
  const levels = new Int16Array(count);
  let level = 0;
  for (let i = 0; i < count; i++) {
    const folded = bytes[i] | (bytes[count + i] << 8);
    level += (folded >>> 1) ^ -(folded & 1);
    levels[i] = level; // wraps around, as the differences do
    level = levels[i];
  }
  return levels;
}

/** An array of numbers, as encode_numbers wrote it. */
async function unpackNumbers(packed) {
  const bytes = await unpack(packed.data);
  const kinds = { Uint8: Uint8Array, Uint32: Uint32Array };
  return new kinds[packed.type](bytes.buffer);
}

/** A missing sample, and the most pieces of a lead that are kept unpacked. */
const MISSING = -32768;
const PIECES_KEPT = 60;

/** One lead: its samples are unpacked a piece at a time, when they are first shown. */
class Lead {
  constructor(number, facts) {
    this.name = facts.name;
    this.height = facts.height; // mV that a row should have room for
    this.middle = facts.middle; // mV from the median to the middle of a row
    this.number = number;
    this.pieces = textOf(`lead-${number}`).split("\n");
    this.unpacked = new Map();
    this.overview = null; // [lowest, highest] levels of each short stretch
  }

  /** Whether the pieces from first to last are unpacked. */
  has(first, last) {
    for (let k = first; k <= last; k++) if (!this.unpacked.has(k)) return false;
    return true;
  }

  async load(first, last) {
    for (let k = first; k <= last; k++) {
      if (this.unpacked.has(k)) continue;
      this.unpacked.set(k, unfold(await unpack(this.pieces[k])));
    }
    for (const k of this.unpacked.keys()) {
      if (this.unpacked.size <= PIECES_KEPT) break;
      if (k < first || k > last) this.unpacked.delete(k);
    }
  }

  async loadOverview() {
    const lines = textOf(`overview-${this.number}`).split("\n");
    this.overview = await Promise.all(lines.map(async (line) => unfold(await unpack(line))));
  }
}

/** All beats, by number from 0. A label of `unclassified` means that a beat has no class. */
class Beats {
  static async read(facts, classes) {
    const [intervals, labels, probabilities, members] = await Promise.all(
      ["intervals", "labels", "probabilities", "members"].map((name) => unpackNumbers(facts[name])),
    );
    const beats = new Beats();
    beats.classes = classes;
    beats.times = new Float64Array(intervals.length);
    let steps = 0;
    intervals.forEach((interval, i) => {
      steps += interval;
      beats.times[i] = steps / facts.stepsPerSecond;
    });
    Object.assign(beats, { labels, members });
    beats.probabilities = Float32Array.from(probabilities, (value) => value / 255);
    return beats;
  }

  get count() {
    return this.times.length;
  }

  /** The class of a beat: a name, "?" where the model abstained, "" where there is none. */
  letter(beat) {
    const label = this.labels[beat];
    return label < this.classes.length ? this.classes[label] : label === this.classes.length ? "?" : "";
  }

  /** The probabilities of a beat's classes, in the order of `classes`. */
  probabilitiesOf(beat) {
    const width = this.classes.length;
    return this.probabilities.subarray(beat * width, (beat + 1) * width);
  }

  highest(beat) {
    return Math.max(...this.probabilitiesOf(beat));
  }

  /** The first beat that is not before a time. */
  from(time) {
    let low = 0;
    let high = this.count;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.times[middle] < time) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** The beat nearest to a time; -1 when there are none. */
  nearest(time) {
    const after = this.from(time);
    if (after === 0) return this.count ? 0 : -1;
    if (after === this.count) return after - 1;
    return time - this.times[after - 1] <= this.times[after] - time ? after - 1 : after;
  }
}

/** Times as people read them: on the recorder's clock where it is known, else since the start. */
class Clock {
  constructor(offset) {
    this.offset = offset;
  }

  /** h:mm:ss with some decimals. */
  text(time, decimals = 0) {
    const scale = 10 ** decimals;
    const units = Math.round((time + this.offset) * scale);
    const whole = Math.floor(units / scale);
    const hours = Math.floor(whole / 3600);
    const two = (value) => String(value).padStart(2, "0");
    const days = Math.floor(hours / 24);
    const day = this.offset && days ? `+${days}d ` : "";
    const shown = this.offset ? two(hours % 24) : hours;
    const fraction = decimals ? "." + String(units % scale).padStart(decimals, "0") : "";
    return `${day}${shown}:${two(Math.floor(whole / 60) % 60)}:${two(whole % 60)}${fraction}`;
  }

  /** Seconds from the start for a text such as 1:02:03, 2:03 or +1d 1:02:03; NaN for another text. */
  parse(text) {
    const [, days, rest] = /^\s*(?:\+(\d+)d\s)?\s*(.*)$/.exec(text);
    const parts = rest.trim().split(":").map(Number);
    if (!rest.trim() || parts.length > 3 || parts.some(Number.isNaN)) return NaN;
    const seconds = parts.reduce((sum, part) => sum * 60 + part, 0);
    if (!this.offset || parts.length < 3) return seconds;
    if (days) return 86400 * Number(days) + seconds - this.offset;
    return (seconds - this.offset + 86400) % 86400;
  }
}

/*
 * Puts the page together.
 *
 * `window.ecgPage` is what other scripts of the page use; it is there when the document fires
 * "ecg-ready", which is before the charts are drawn:
 *
 *   beats                  all beats: count, times (s), letter(beat), probabilitiesOf(beat),
 *                          members (the number of each beat's family), classes
 *   families, events       as the page holds them
 *   selected               the number of the selected beat, or -1
 *   family                 the number of the chosen family, or -1
 *   stretch                [from, to] in s that was dragged over with shift, or null
 *   select(beat)           select a beat and show it
 *   selectFamily(family)   choose a family and show its most typical beat
 *   membersOf(family)      the numbers of its beats
 *   show(time)             show a time (s)
 *   mark(stretch)          select a stretch, [from, to] in s
 *   timeText(time, decimals)      a time (s) as the page writes it
 *   timeOf(text)                  and back; NaN if it is none
 *   setClasses(changes)    [[beat, class, probabilities?], ...]: changed classes, drawn at once
 *   setPacked(changes)     the same of many beats, packed: steps from one beat to the next, labels,
 *                          probabilities, each as encoding.py's encode_numbers writes it
 *   setEvents(events)      replace the events (fields as in ecgcli.view.Event)
 *   say(text)              have a text shown and read out
 *
 * The document fires "ecg-beat" {beat}, "ecg-family" {family, beats}, "ecg-stretch" {start, stop}
 * when a reader selects one, with these fields in `event.detail`. Keys that the page does not use
 * (letters but n and p, digits but 0) are free for others.
 */

/** Tell other scripts of the page what happened. */
function announce(name, detail = {}) {
  document.dispatchEvent(new CustomEvent(name, { detail }));
}

const facts = JSON.parse(textOf("page-data"));
const clock = new Clock(facts.offset);
let strip, events, families, charts;

function selectedBeat() {
  return strip.selected;
}

/** Select a beat, and say what it is. */
function choose(beat) {
  strip.select(beat);
  say(describe(beat));
  announce("ecg-beat", { beat });
}

/** A beat in words. */
function describe(beat) {
  const { beats } = strip;
  const letter = beats.letter(beat);
  const shares = beats.probabilitiesOf(beat);
  const chances = beats.classes.map((name, i) => `${name} ${shares[i].toFixed(2)}`).join(", ");
  const before = beat > 0 ? `, RR before ${(beats.times[beat] - beats.times[beat - 1]).toFixed(2)} s` : "";
  const kind = letter ? `class ${letter} (${chances})` : "not classified";
  const family = facts.families[beats.members[beat]];
  const of = family ? `, family ${family.name}` : "";
  return `Beat ${beat + 1} of ${beats.count} at ${clock.text(beats.times[beat], 2)}: ${kind}${before}${of}`;
}

function say(text) {
  document.getElementById("said").textContent = text;
  if (strip.selected >= 0) strip.canvas.setAttribute("aria-label", `ECG strip. ${text}`);
}

/** After the strip moved: say where it is, mark it in the charts. */
function moved() {
  const stop = Math.min(facts.seconds, strip.start + strip.seconds);
  const scale = `${round(strip.speed)} mm/s, ${round(strip.gain)} mm/mV`;
  document.getElementById("scale").textContent = scale;
  document.getElementById("where").textContent = `${clock.text(strip.start, 1)} to ${clock.text(stop, 1)}`;
  charts?.mark(strip.start, stop);
}

function round(value) {
  return Number(value.toPrecision(3));
}

/** Show an event: its beat at a scale at which all of it is in sight, if it is not too long. */
function showEvent(event) {
  const length = event.stop - event.start;
  if (strip.speed < 10 || length > strip.seconds) {
    strip.setSpeed(Math.max(2.5, Math.min(USUAL_SPEED, strip.width / MM / (length * 1.3 + 1))));
  }
  strip.selected = event.beat;
  const room = Math.max(0, strip.seconds - length);
  strip.moveTo(event.start - Math.min(room / 2, strip.seconds / 3));
  const rate = event.rate === null ? "" : `, ${Math.round(event.rate)} a minute`;
  const more = [event.detail, event.doubt].filter(Boolean).map((text) => `, ${text}`).join("");
  const kind = [event.kind, event.letter].filter(Boolean).join(" ");
  say(`${kind} at ${clock.text(event.start)}, beats: ${event.beats}${rate}${more}`);
  inSight();
  announce("ecg-beat", { beat: event.beat });
}

function inSight() {
  document.getElementById("strip").scrollIntoView({ block: "nearest" });
}

function stepBeat(way) {
  const { beats, selected } = strip;
  const from = selected < 0 ? beats.nearest(strip.start) - Math.sign(way) : selected;
  if (beats.count) choose(Math.min(beats.count - 1, Math.max(0, from + way)));
}

/** Lengthen or shorten the stretch that begins at the selected beat, a beat at a time. */
function stretchBy(way) {
  const { beats, selected, stretch } = strip;
  if (selected < 0) return stepBeat(way);
  const first = beats.times[selected];
  const ends = stretch && stretch.includes(first) ? stretch : [first, first];
  const other = beats.nearest(ends[0] === first ? ends[1] : ends[0]);
  const next = beats.times[Math.min(beats.count - 1, Math.max(0, other + way))];
  if (next < strip.start || next > strip.start + strip.seconds) strip.show(next);
  strip.mark([Math.min(first, next), Math.max(first, next)]);
  say(`Stretch from ${clock.text(strip.stretch[0], 2)} to ${clock.text(strip.stretch[1], 2)}`);
}

const ACTIONS = {
  ArrowLeft: () => stepBeat(-1),
  ArrowRight: () => stepBeat(1),
  "Shift ArrowLeft": () => stretchBy(-1),
  "Shift ArrowRight": () => stretchBy(1),
  n: () => events.step(1),
  p: () => events.step(-1),
  "+": () => strip.zoom(1.5),
  "-": () => strip.zoom(1 / 1.5),
  0: () => strip.usualScale(),
  PageUp: () => strip.moveTo(strip.start - 0.9 * strip.seconds),
  PageDown: () => strip.moveTo(strip.start + 0.9 * strip.seconds),
  Home: () => strip.moveTo(0),
  End: () => strip.moveTo(facts.seconds),
  "gain+": () => strip.setGain(strip.gain * 2),
  "gain-": () => strip.setGain(strip.gain / 2),
  all: () => strip.fit(0, facts.seconds),
};

/** Keys work anywhere but where something is typed; paging keys only on the strip itself. */
function listenToKeys() {
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.closest?.("input, select, textarea")) return;
    const paging = ["PageUp", "PageDown", "Home", "End"].includes(event.key);
    if (paging && !event.target.closest?.("#strip")) return;
    const shift = event.shiftKey && event.key.startsWith("Arrow") ? "Shift " : "";
    const action = ACTIONS[event.key === "=" ? "+" : shift + event.key];
    if (!action) return;
    event.preventDefault();
    action();
  });
  for (const button of document.querySelectorAll("[data-action]")) {
    button.addEventListener("click", () => ACTIONS[button.dataset.action]());
  }
  for (const button of document.querySelectorAll("[data-time]")) {
    button.addEventListener("click", () => {
      goTo(Number(button.dataset.time));
      inSight();
    });
  }
  document.getElementById("go").addEventListener("submit", (event) => {
    event.preventDefault();
    const time = clock.parse(event.target.elements.time.value);
    if (Number.isNaN(time)) say("A time is written like 1:02:03 or 2:03.");
    else goTo(time);
  });
}

/** Show a time and select the beat nearest to it. */
function goTo(time) {
  strip.show(time);
  const beat = strip.beats.nearest(time);
  if (beat >= 0) choose(beat);
}

/**
 * Print in the colours of the light scheme, the strip sharp and to scale. The charts have no time
 * to be laid out anew: they keep their size on the screen and are made smaller as a whole.
 */
function listenToPrinting() {
  let screen = null;
  const place = document.getElementById("charts");
  const paper = (printing) => {
    const { start, speed, seconds, detailed } = strip;
    if (printing) screen ??= { start, speed };
    const width = place.clientWidth;
    place.style.width = printing ? `${width}px` : "";
    place.style.zoom = printing ? Math.min(1, (PAPER * MM) / width) : "";
    document.documentElement.classList.toggle("printing", printing);
    strip.sharpness = printing ? 3 : 0;
    strip.width = strip.canvas.clientWidth;
    if (printing && !detailed) strip.setSpeed(strip.width / MM / seconds);
    if (!printing && screen) strip.speed = screen.speed;
    strip.moveTo(!printing && screen ? screen.start : start);
    if (!printing) screen = null;
    charts?.repaint();
  };
  addEventListener("beforeprint", () => paper(true));
  addEventListener("afterprint", () => paper(false));
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
    strip.paint();
    charts?.repaint();
  });
}

function setClasses(changes) {
  const { beats } = strip;
  for (const [beat, name, probabilities] of changes) {
    const label = name === "?" ? beats.classes.length : beats.classes.indexOf(name);
    beats.labels[beat] = label < 0 ? facts.unclassified : label;
    if (probabilities) beats.probabilities.set(probabilities, beat * beats.classes.length);
  }
  redrawClasses();
}

function redrawClasses() {
  families.recount();
  strip.draw();
  if (strip.selected >= 0) say(describe(strip.selected));
}

async function setPacked(changes) {
  const names = ["steps", "labels", "probabilities"];
  const [steps, labels, shares] = await Promise.all(names.map((name) => unpackNumbers(changes[name])));
  const { beats } = strip;
  const width = beats.classes.length;
  let beat = 0;
  steps.forEach((step, i) => {
    beat += step;
    beats.labels[beat] = labels[i];
    for (let k = 0; k < width; k++) beats.probabilities[beat * width + k] = shares[i * width + k] / 255;
  });
  redrawClasses();
}

async function start() {
  const leads = facts.leads.map((lead, number) => new Lead(number, lead));
  const beats = await Beats.read(facts.beats, facts.classes);
  const canvas = document.querySelector("#strip canvas");
  strip = new Strip(canvas, facts, leads, beats, clock, moved);
  events = new EventTable(document.getElementById("events"), clock, showEvent);
  events.set(facts.events);
  families = new FamilyList(document.getElementById("families"), beats, facts, (beat) => {
    choose(beat);
    inSight();
  });
  listenToKeys();
  listenToPrinting();
  const asked = /^#t=([\d.]+)$/.exec(location.hash);
  if (asked) goTo(Number(asked[1]));
  else strip.moveTo(0);
  window.ecgPage = {
    beats,
    families: facts.families,
    get events() {
      return events.events;
    },
    get selected() {
      return strip.selected;
    },
    get family() {
      return families.current;
    },
    get stretch() {
      return strip.stretch;
    },
    select: choose,
    selectFamily: (family) => families.choose(family),
    membersOf: (family) => families.membersOf(family),
    show: (time) => strip.show(time),
    mark: (stretch) => strip.mark(stretch),
    timeText: (time, decimals = 2) => clock.text(time, decimals),
    timeOf: (text) => clock.parse(text),
    setClasses,
    setPacked,
    setEvents: (list) => events.set(list),
    say,
  };
  await documentComplete();
  announce("ecg-ready");
  await strip.complete;
  await nextFrame();
  performance.mark("ecg-strip");
  charts = new Charts(document.getElementById("charts"), facts, goTo, (from, to) => strip.fit(from, to));
  await charts.show();
  moved();
  performance.mark("ecg-charts");
  document.documentElement.dataset.ready = "true";
}

/** Until what was drawn is on the screen; a page in the background has no frames. */
function nextFrame() {
  const frame = new Promise((go) => requestAnimationFrame(() => setTimeout(go)));
  return Promise.race([frame, new Promise((go) => setTimeout(go, 200))]);
}

/** Other scripts stand behind this one. */
function documentComplete() {
  if (document.readyState !== "loading") return Promise.resolve();
  return new Promise((go) => document.addEventListener("DOMContentLoaded", go, { once: true }));
}

start();

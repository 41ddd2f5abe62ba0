/* Questions and answers. Uses window.ecgPage (see the page's own scripts) and the server's state. */
(() => {
  "use strict";
  const CLASSES = ["N", "S", "V", "F", "Q"];
  const byId = (id) => document.getElementById(id);
  let page, state;
  let target = "question"; // or "beat", "family", "stretch"
  let busy = false;

  function problem(text) {
    byId("problem").textContent = text;
    byId("problem").hidden = !text;
  }

  /** Ask the server; throws what it says is wrong. */
  async function ask(route, document_) {
    let response, answer;
    try {
      const options = document_ && {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify(document_),
      };
      response = await fetch(route, options);
      answer = await response.json();
    } catch {
      throw new Error("Not saved: the server cannot be reached. Start ecg review again with --resume.");
    }
    if (response.status === 409) setTimeout(reload, 1500);
    if (!response.ok) throw new Error(`Not saved: ${answer.problem}`);
    return answer;
  }

  /** Load the page again where it is now. */
  function reload(time) {
    const at = typeof time === "number" ? time : page.selected >= 0 ? page.beats.times[page.selected] : null;
    if (at !== null) history.replaceState(null, "", `#t=${at.toFixed(2)}`);
    location.reload();
  }

  /** Send an answer; "saved" appears when it is on disk. */
  async function send(answer, time) {
    if (busy) return;
    busy = true;
    byId("saved").textContent = "";
    try {
      const result = await ask("answer", { version: state.version, ...answer });
      problem("");
      if (result.reload) return reload(time);
      await page.setPacked(result.changes);
      show(result);
      byId("saved").textContent = `Saved, ${result.answers} answered.`;
    } catch (error) {
      problem(error.message);
    } finally {
      busy = false;
    }
  }

  function targetBeats() {
    if (target === "beat" && page.selected >= 0) return [page.selected];
    if (target === "family" && page.family >= 0) return page.membersOf(page.family);
    if (target === "stretch" && page.stretch) return beatsIn(...page.stretch);
    return state.question?.beats ?? [];
  }

  function beatsIn(from, to) {
    const inside = [];
    page.beats.times.forEach((time, beat) => time >= from && time <= to && inside.push(beat));
    return inside;
  }

  /** Say for which beats the next class is. */
  function aim(at) {
    target = at;
    showTarget();
  }

  function showTarget() {
    const beats = targetBeats();
    const names = {
      beat: "the selected beat",
      family: `the family ${page.families[page.family]?.name}`,
      stretch: "the beats of the stretch",
      question: "all beats of the question",
    };
    const count = beats.length === 1 ? "1 beat" : `${beats.length} beats`;
    byId("target").textContent = beats.length ? `A class is given to ${names[target]}: ${count}.` : "";
    byId("from").value = page.stretch ? page.timeText(page.stretch[0]) : "";
    byId("to").value = page.stretch ? page.timeText(page.stretch[1]) : "";
  }

  /** Show a state of the server. */
  function show(next) {
    state = next;
    const question = state.question;
    byId("why").textContent = question
      ? `${question.why} Is it ${question.suggested}?`
      : "There is nothing left to ask.";
    byId("sheet").replaceChildren(...(question?.beats ?? []).map(thumbnail));
    byId("latest").replaceChildren(
      ...state.latest.map((text) => Object.assign(document.createElement("li"), { textContent: text })),
    );
    aim("question");
  }

  /** A beat of the question; clicking shows it in the strip. */
  function thumbnail(beat, k) {
    const { shapes, letters } = state.question;
    const low = Math.min(...shapes.flat());
    const span = Math.max(...shapes.flat()) - low || 1;
    const points = shapes[k].map(
      (value, i) => `${((120 * i) / (shapes[k].length - 1)).toFixed(1)} ${(65 - (60 * (value - low)) / span).toFixed(1)}`,
    );
    const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    for (const [name, value] of Object.entries({ viewBox: "0 0 120 70", width: 120, height: 70, "aria-hidden": "true" }))
      svg.setAttribute(name, value);
    const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
    path.setAttribute("d", `M${points.join("L")}`);
    svg.append(path);
    const words = document.createElement("span");
    words.textContent = `${letters[k]} ${page.timeText(state.question.times[k], 1)}`;
    const button = document.createElement("button");
    button.type = "button";
    button.append(svg, words);
    button.addEventListener("click", () => page.select(beat));
    return button;
  }

  /** The stretch whose times were entered. */
  function enterStretch() {
    if (!byId("from").value.trim() || !byId("to").value.trim()) return;
    const [from, to] = ["from", "to"].map((name) => page.timeOf(byId(name).value));
    if (!(from < to)) return problem("The times of a stretch are written like 1:02:03.4, the first one first.");
    problem("");
    page.show(from);
    page.mark([from, to]);
  }

  const middle = () => (page.stretch[0] + page.stretch[1]) / 2;

  /** What a stretch is needed for, when there is none. */
  function needsStretch() {
    if (page.stretch) return false;
    problem("Name a stretch first: drag over the strip with Shift, or enter its times.");
    return true;
  }

  function needsBeat() {
    if (page.selected >= 0) return false;
    problem("Select a beat first.");
    return true;
  }

  const named = (action) => () =>
    needsStretch() || send({ action, start: page.stretch[0], to: page.stretch[1] }, page.stretch[0]);

  const ACTIONS = {
    a: () => state.question && send({ action: "class", class: state.question.suggested, beats: state.question.beats }),
    k: () => state.question && send({ action: "skip", beats: state.question.beats }),
    w: () => {
      if (page.family < 0) problem("Choose a family below first.");
      aim("family");
    },
    e: () => aim("question"),
    z: () => state.answers && send({ action: "undo" }),
    d: () => needsBeat() || send({ action: "delete", beats: [page.selected] }),
    "+beat": () => needsStretch() || send({ action: "add", class: "N", start: middle() }, middle()),
    move: () =>
      needsBeat() || needsStretch() || send({ action: "move", beats: [page.selected], to: middle() }, middle()),
    unreadable: named("unreadable"),
    fibrillation: named("fibrillation"),
    j: () => document.querySelector('[data-action="n"]').click(),
    i: () => document.querySelector('[data-action="p"]').click(),
    finish: async () => {
      try {
        const { files } = await ask("finish", {});
        byId("saved").textContent = `Written: ${files.join(", ")}`;
      } catch (error) {
        problem(error.message);
      }
    },
  };

  function giveClass(letter) {
    const beats = targetBeats();
    if (beats.length) send({ action: "class", class: letter, beats });
  }

  /** Letters come before the page's own keys, which has n for the next event. */
  function listen() {
    document.addEventListener(
      "keydown",
      (event) => {
        if (event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
        if (event.target.closest?.("input, select, textarea")) return;
        const letter = event.key.toUpperCase();
        const action = event.key.length === 1 && ACTIONS[event.key.toLowerCase()];
        if (!CLASSES.includes(letter) && !action) return;
        event.preventDefault();
        event.stopImmediatePropagation();
        if (CLASSES.includes(letter)) giveClass(letter);
        else action();
      },
      { capture: true },
    );
    for (const button of document.querySelectorAll("[data-letter]"))
      button.addEventListener("click", () => giveClass(button.dataset.letter));
    for (const button of document.querySelectorAll("[data-review]"))
      button.addEventListener("click", () => ACTIONS[button.dataset.review]());
    document.addEventListener("ecg-beat", () => aim("beat"));
    document.addEventListener("ecg-stretch", () => aim("stretch"));
    for (const name of ["from", "to"]) byId(name).addEventListener("change", enterStretch);
    // the page selects a beat of the family after this event
    document.addEventListener("ecg-family", () => queueMicrotask(ACTIONS.w));
  }

  document.addEventListener("ecg-ready", async () => {
    page = window.ecgPage;
    listen();
    try {
      show(await ask("state"));
      if (state.question && !location.hash) page.select(state.question.beats[0]);
      aim("question");
      document.documentElement.dataset.review = "ready";
    } catch (error) {
      problem(error.message);
    }
  });
})();

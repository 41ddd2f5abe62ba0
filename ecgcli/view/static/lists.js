/* The table of events and the families of beats. */

const ROWS_SHOWN = 100;

/** The events: filtered, sorted, the first rows of them shown. */
class EventTable {
  /** section: the element that holds the table; go is called with an event that is chosen. */
  constructor(section, clock, go) {
    Object.assign(this, { section, clock, go });
    this.body = section.querySelector("tbody");
    this.filter = section.querySelector("select");
    this.more = section.querySelector("[data-more]");
    this.order = { key: "start", up: true };
    this.current = null;
    this.rows = ROWS_SHOWN;
    this.filter.addEventListener("change", () => this.show());
    this.more.addEventListener("click", () => {
      this.rows += ROWS_SHOWN;
      this.fill();
    });
    for (const head of section.querySelectorAll("th")) {
      head.querySelector("button").addEventListener("click", () => this.sort(head.dataset.key));
    }
    this.body.addEventListener("click", (event) => {
      const row = event.target.closest("tr");
      if (row) this.choose(this.listed[row.sectionRowIndex]);
    });
  }

  /** Replace all events. */
  set(events) {
    this.events = events;
    const counts = new Map();
    for (const { kind } of events) counts.set(kind, (counts.get(kind) ?? 0) + 1);
    const kinds = [...counts].map(([kind, count]) => option(kind, `${kind} (${count})`));
    this.filter.replaceChildren(option("", `all (${events.length})`), ...kinds);
    this.show();
  }

  sort(key) {
    const up = this.order.key === key ? !this.order.up : true;
    this.order = { key, up };
    for (const head of this.section.querySelectorAll("th")) {
      const sorted = head.dataset.key === key ? (up ? "ascending" : "descending") : "none";
      head.setAttribute("aria-sort", sorted);
    }
    this.show();
  }

  show() {
    const { key, up } = this.order;
    const wanted = this.events.filter((event) => !this.filter.value || event.kind === this.filter.value);
    const value = (event) => event[key] ?? -1; // an event without a rate comes first
    this.listed = wanted.sort((a, b) => {
      const [first, second] = [value(a), value(b)];
      const order = first < second ? -1 : first > second ? 1 : a.start - b.start;
      return up ? order : -order;
    });
    this.rows = ROWS_SHOWN;
    this.fill();
  }

  fill() {
    this.body.replaceChildren(...this.listed.slice(0, this.rows).map((event) => this.row(event)));
    const hidden = this.listed.length - this.rows;
    this.more.hidden = hidden <= 0;
    this.more.textContent = `Show ${Math.min(hidden, ROWS_SHOWN)} more of ${hidden}`;
    this.mark();
  }

  row(event) {
    const row = document.createElement("tr");
    row.setAttribute("role", "row");
    const time = document.createElement("button");
    time.type = "button";
    time.className = "link";
    time.textContent = this.clock.text(event.start);
    const rate = event.rate === null ? "" : Math.round(event.rate);
    const cells = [time, event.kind, event.letter, event.beats, rate, event.detail];
    row.append(...cells.map(cell));
    if (event.doubt) {
      const mark = document.createElement("strong");
      mark.className = "doubt";
      mark.textContent = "perhaps a missed beat";
      mark.title = event.doubt;
      row.lastChild.append(event.detail ? "; " : "", mark);
    }
    return row;
  }

  choose(event) {
    this.current = event;
    const place = this.listed.indexOf(event);
    if (place >= this.rows) {
      this.rows = place + 1;
      this.fill();
    }
    this.mark();
    this.go(event);
  }

  /** The next event in the table's order, or the one before. */
  step(way) {
    const place = this.listed.indexOf(this.current) + way;
    if (this.current === null ? this.listed.length : this.listed[place]) {
      this.choose(this.listed[this.current === null ? 0 : place]);
    }
  }

  mark() {
    const place = this.listed.indexOf(this.current);
    [...this.body.rows].forEach((row, number) => {
      if (number === place) row.setAttribute("aria-current", "true");
      else row.removeAttribute("aria-current");
    });
    const row = this.body.rows[place];
    const box = this.section.querySelector(".scroll");
    if (row) box.scrollTop = row.offsetTop - box.clientHeight / 2;
  }
}

function option(value, text) {
  const item = document.createElement("option");
  item.value = value;
  item.textContent = text;
  return item;
}

function cell(content) {
  const item = document.createElement("td");
  item.setAttribute("role", "cell"); // a phone shows rows as blocks
  item.append(content ?? "");
  return item;
}

/** The families: a button each; choosing one again goes on to its next beat. */
class FamilyList {
  constructor(section, beats, facts, go) {
    Object.assign(this, { section, beats, facts, go });
    this.current = -1;
    section.querySelectorAll("[data-family]").forEach((button) => {
      button.addEventListener("click", () => this.choose(Number(button.dataset.family)));
    });
  }

  /** The beats of a family, in order of time. */
  membersOf(family) {
    const members = [];
    this.beats.members.forEach((each, beat) => each === family && members.push(beat));
    return members;
  }

  choose(family) {
    const again = family === this.current;
    this.current = family;
    const members = this.membersOf(family);
    const next = members.find((beat) => beat > selectedBeat()) ?? members[0];
    this.mark();
    announce("ecg-family", { family, beats: members });
    this.go(again ? next : this.facts.families[family].example);
  }

  mark() {
    for (const button of this.section.querySelectorAll("[data-family]")) {
      button.setAttribute("aria-pressed", String(Number(button.dataset.family) === this.current));
    }
  }

  /** Count classes and doubtful beats again, after they changed. */
  recount() {
    for (const button of this.section.querySelectorAll("[data-family]")) {
      const members = this.membersOf(Number(button.dataset.family));
      const counts = new Map();
      let doubtful = 0;
      for (const beat of members) {
        const letter = this.beats.letter(beat) || "–";
        counts.set(letter, (counts.get(letter) ?? 0) + 1);
        doubtful += this.beats.highest(beat) < this.facts.doubtful;
      }
      const letters = [...counts].sort((a, b) => b[1] - a[1]);
      const text = letters.map(([letter, count]) => (letters.length > 1 ? `${letter} ${count}` : letter));
      button.querySelector("[data-letters]").textContent = text.join(", ");
      const share = members.length ? (100 * doubtful) / members.length : 0;
      button.querySelector("[data-doubtful]").textContent = `${share.toFixed(0)}% doubtful`;
    }
  }
}

/* The charts of the whole recording, drawn by Bokeh. */

const MARK_AFTER = 150; // ms

class Charts {
  /** go is called with a time that was clicked, fit with the ends of a stretch that was brushed. */
  constructor(place, facts, go, fit) {
    Object.assign(this, { place, facts, go, fit });
    this.windows = [];
  }

  /** Bokeh's script is text until it is needed, so that the strip does not wait for it. */
  runLibrary() {
    const script = document.createElement("script");
    script.textContent = document.getElementById("charts-script").textContent; // as it was hashed
    document.body.append(script);
  }

  async show() {
    this.runLibrary();
    Bokeh.logger.set_level("warn");
    const item = JSON.parse(textOf("charts-data"));
    item.target_id = this.place.id;
    const [view] = await Bokeh.embed.embed_item(item).then((found) => found.roots ?? [found]);
    this.document = view.model.document;
    const toSeconds = (milliseconds) => milliseconds / 1000 - this.facts.offset;
    for (const model of this.document._all_models.values()) {
      if (model.type === "BoxAnnotation" && model.name === "window") this.windows.push(model);
      if (model.type !== "Figure") continue;
      model.on_event("tap", (event) => this.go(toSeconds(event.x)));
      model.on_event("selectiongeometry", (event) => {
        if (!event.final) return;
        this.fit(toSeconds(event.geometry.x0), toSeconds(event.geometry.x1));
      });
    }
  }

  /** Mark what the strip shows, once it rests there: Bokeh draws a chart anew for each change. */
  mark(start, stop) {
    clearTimeout(this.waiting);
    this.waiting = setTimeout(() => {
      const toClock = (seconds) => (seconds + this.facts.offset) * 1000;
      for (const box of this.windows) box.setv({ left: toClock(start), right: toClock(stop) });
    }, MARK_AFTER);
  }

  /** Draw again, in the colours of the style sheet. */
  repaint() {
    for (const model of this.document?._all_models.values() ?? []) {
      if (model.type === "Figure") model.change.emit();
    }
  }
}

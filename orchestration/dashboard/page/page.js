// Draws the charts, and brings in what is new without moving the reader. Belongs here: nothing but that.
(() => {
  "use strict";
  const SHADES = ["--s0", "--s1", "--s2", "--s3", "--s4"];
  const shade = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const drawn = new Map();

  // Of stacked series each is drawn on top of those before it, from the greatest sum down.
  function heights(data) {
    if (!data.stacked) return data.values;
    const sums = data.x.map(() => 0);
    return data.values.map((values) => values.map((value, at) => (sums[at] += value)));
  }

  function draw(place) {
    const data = JSON.parse(place.dataset.chart);
    const stacked = heights(data);
    const order = data.series.map((_, at) => at);
    if (data.stacked) order.reverse();
    const series = order.map((at) => ({
      label: data.series[at],
      stroke: shade(SHADES[at % SHADES.length]),
      fill: data.stacked ? shade(SHADES[at % SHADES.length]) : undefined,
      width: 2,
      points: { show: data.x.length < 3 },
      value: (_, __, ___, index) => (index === null ? "" : data.values[at][index].toLocaleString("en")),
    }));
    const axis = () => ({ stroke: shade("--soft"), grid: { stroke: shade("--edge"), width: 1 }, ticks: { show: false } });
    const clock = (seconds) => new Date(seconds * 1000).toISOString().slice(11, 16);
    const moment = (seconds) => new Date(seconds * 1000).toISOString().slice(0, 16).replace("T", " ");
    const chart = new uPlot(
      {
        width: place.clientWidth,
        height: 240,
        tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), "UTC"),
        series: [{ label: "UTC", value: (_, at) => (at === null ? "" : moment(at)) }, ...series],
        scales: { y: { range: (_, __, most) => [0, most > 0 ? most * 1.05 : 1] } },
        axes: [{ ...axis(), values: (_, ticks) => ticks.map(clock) }, { ...axis(), size: 60 }],
      },
      [data.x, ...order.map((at) => stacked[at])],
      place,
    );
    drawn.set(place, chart);
  }

  function redraw() {
    for (const [place, chart] of drawn) if (!place.isConnected) { chart.destroy(); drawn.delete(place); }
    for (const place of document.querySelectorAll("[data-chart]")) if (!drawn.has(place)) draw(place);
  }

  function redrawAll() {
    for (const chart of drawn.values()) chart.destroy();
    drawn.clear();
    redraw();
  }

  // The text of a section without what the script itself has put into it.
  const source = new Map();
  const remember = (root) => root.querySelectorAll("main > section").forEach((s) => source.set(s.id, s.outerHTML));

  function bringIn(fresh) {
    document.title = fresh.title;
    document.getElementById("taken").textContent = fresh.getElementById("taken").textContent;
    for (const section of fresh.querySelectorAll("main > section")) {
      const old = document.getElementById(section.id);
      if (old === null) { location.reload(); return; }
      const html = section.outerHTML;
      if (source.get(section.id) === html) continue;
      source.set(section.id, html);
      // A screen reader announces a status whose text changes, not one that is replaced.
      if (section.id === "answer") {
        old.className = section.className;
        const sentence = old.querySelector("[role=status]");
        const words = section.querySelector("[role=status]").textContent;
        if (sentence.textContent !== words) sentence.textContent = words;
        old.querySelectorAll(".detail").forEach((line) => line.remove());
        section.querySelectorAll(".detail").forEach((line) => old.append(line));
        continue;
      }
      if (old.contains(document.activeElement) && document.activeElement !== old) continue;
      section.querySelectorAll("details[id]").forEach((d) => (d.open = document.getElementById(d.id)?.open ?? false));
      old.replaceWith(section);
    }
    redraw();
  }

  async function refresh() {
    const taken = document.getElementById("taken");
    try {
      const answer = await fetch(location.href, { cache: "no-store" });
      if (!answer.ok) throw new Error(String(answer.status));
      bringIn(new DOMParser().parseFromString(await answer.text(), "text/html"));
    } catch {
      if (!taken.textContent.includes("does not answer")) taken.textContent += ", and the dashboard itself does not answer";
    }
  }

  remember(document);
  redraw();
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redrawAll);
  let width = innerWidth;
  addEventListener("resize", () => { if (innerWidth !== width) { width = innerWidth; redrawAll(); } });
  const seconds = Number(document.body.dataset.refreshSeconds);
  if (seconds > 0) setInterval(() => { if (!document.hidden) refresh(); }, seconds * 1000);
})();

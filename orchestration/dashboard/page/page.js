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
      // A value between two quarters of an hour without any has no line.
      points: { show: data.x.length < 3 || data.values[at].includes(null) },
      value: (_, __, ___, index) => (index === null ? "" : (data.values[at][index]?.toLocaleString("en") ?? "")),
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
    drawn.set(place, { chart, data: place.dataset.chart });
  }

  function redraw() {
    for (const [place, { chart, data }] of drawn)
      if (!place.isConnected || place.dataset.chart !== data) { chart.destroy(); drawn.delete(place); }
    for (const place of document.querySelectorAll("[data-chart]")) if (!drawn.has(place)) draw(place);
  }

  function redrawAll() {
    for (const { chart } of drawn.values()) chart.destroy();
    drawn.clear();
    redraw();
  }

  // Makes `old` what `fresh` is, in place: focus, scrolling and what is open stay. A screen reader announces a status
  // whose text changes, not one that is replaced.
  function renew(old, fresh) {
    if (old.nodeName !== fresh.nodeName) { old.replaceWith(fresh); return; }
    if (old.nodeType === Node.TEXT_NODE) { if (old.data !== fresh.data) old.data = fresh.data; return; }
    const isDrawn = old.hasAttribute("data-chart");
    const gone = [...old.attributes].filter(({ name }) => name !== "open" && !fresh.hasAttribute(name));
    gone.forEach(({ name }) => old.removeAttribute(name));
    for (const { name, value } of fresh.attributes) if (old.getAttribute(name) !== value) old.setAttribute(name, value);
    // What a chart has inside, the script has drawn.
    if (isDrawn && fresh.hasAttribute("data-chart")) return;
    const [had, wanted] = [[...old.childNodes], [...fresh.childNodes]];
    wanted.forEach((node, at) => (at < had.length ? renew(had[at], node) : old.append(node)));
    had.slice(wanted.length).forEach((node) => node.remove());
  }

  function bringIn(fresh) {
    const taken = fresh.getElementById("taken").textContent;
    const [old, main] = [document, fresh].map((each) => each.querySelector("main"));
    const ids = (each) => [...each.children].map((section) => section.id).join();
    if (ids(old) !== ids(main)) { location.reload(); return; }
    document.title = fresh.title;
    document.getElementById("taken").textContent = taken;
    renew(old, main);
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

  redraw();
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redrawAll);
  let width = innerWidth;
  addEventListener("resize", () => { if (innerWidth !== width) { width = innerWidth; redrawAll(); } });
  const seconds = Number(document.body.dataset.refreshSeconds);
  if (seconds > 0) {
    const look = () => { if (!document.hidden) refresh(); };
    setInterval(look, seconds * 1000);
    // A request after a pause gives what was known before it, and has all parts asked: their answers are there soon.
    const again = () => setTimeout(look, 3000);
    again();
    document.addEventListener("visibilitychange", () => { look(); again(); });
  }
})();

// Learning curves: a panel per term, a line per model, a band over its seeds; models and seeds switch on and off.
"use strict";
(() => {
  const SVG = "http://www.w3.org/2000/svg";
  const [WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM] = [300, 170, 42, 8, 6, 22];
  const GROUPS = [
    ["Terms and the discriminator", (term) => !/^(gradient|moves|weight) of /.test(term), true],
    ["Gradient norms of terms", (term) => term.startsWith("gradient of "), false],
    ["Moves, weights and coefficients", (term) => /^(moves|weight) of /.test(term), false],
  ];

  function element(name, attributes = {}, parent = null, text = "") {
    const made = name.startsWith("svg:") ? document.createElementNS(SVG, name.slice(4)) : document.createElement(name);
    Object.entries(attributes).forEach(([key, value]) => made.setAttribute(key, value));
    if (text) made.textContent = text;
    if (parent) parent.append(made);
    return made;
  }

  const stroke = (i) => `stroke: var(--model-${i}); stroke-dasharray: var(--dash-${i}); stroke-width: 1.6`;

  function ticks(low, high) {
    const rough = (high - low || Math.abs(high) || 1) / 4;
    const power = 10 ** Math.floor(Math.log10(rough));
    const step = [1, 2, 5, 10].map((digit) => digit * power).find((each) => each >= rough);
    const first = Math.ceil(low / step);
    const last = Math.floor(high / step + 1e-9);
    return Array.from({ length: last - first + 1 }, (_, i) => (first + i) * step);
  }

  function short(value) {
    const size = Math.abs(value);
    if (size >= 1e6) return `${+(value / 1e6).toPrecision(3)}M`;
    if (size >= 1e3) return `${+(value / 1e3).toPrecision(3)}k`;
    return `${+value.toPrecision(3)}`;
  }

  // The mean and the range of the chosen runs of one model, at every place where one of them has a point.
  function combine(runs) {
    const byPlace = new Map();
    runs.forEach((run) => run.images.forEach((images, i) => {
      byPlace.set(images, [...(byPlace.get(images) || []), run.values[i]]);
    }));
    return [...byPlace].sort(([one], [other]) => one - other).map(([images, values]) => {
      const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
      return { images, mean, low: Math.min(...values), high: Math.max(...values), several: values.length > 1 };
    });
  }

  // Seeds without those that ended early, where the mean would jump; all of them where all did.
  function whole(runs) {
    const lasting = runs.filter((run) => !run.early);
    return lasting.length ? lasting : runs;
  }

  function panel(term, lines, models, host) {
    const box = element("div", { class: "panel" }, host);
    element("h4", {}, box, term);
    const points = lines.flatMap((line) => line.points);
    const ends = lines.map((line) => `${line.model} ends at ${short(line.points.at(-1).mean)}`);
    const svg = element("svg:svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": `${term}: ${ends.join(", ")}` }, box);
    const most = Math.max(...points.map((point) => point.images));
    let [low, high] = [Math.min(...points.map((p) => p.low)), Math.max(...points.map((p) => p.high))];
    if (low === high) [low, high] = [low - 1, high + 1];
    const x = (images) => LEFT + (images / most) * (WIDTH - LEFT - RIGHT);
    const y = (value) => TOP + ((high - value) / (high - low)) * (HEIGHT - TOP - BOTTOM);
    ticks(low, high).forEach((at) => {
      element("svg:line", { x1: LEFT, x2: WIDTH - RIGHT, y1: y(at), y2: y(at), class: "grid" }, svg);
      element("svg:text", { x: LEFT - 4, y: y(at) + 3, "text-anchor": "end" }, svg, short(at));
    });
    ticks(0, most).forEach((at) => {
      element("svg:text", { x: x(at), y: HEIGHT - 8, "text-anchor": "middle" }, svg, short(at));
    });
    lines.forEach(({ model, points: line }) => {
      const i = models.indexOf(model);
      const colour = `var(--model-${i})`;
      const above = line.map((p) => `${x(p.images)},${y(p.high)}`);
      const below = line.map((p) => `${x(p.images)},${y(p.low)}`).reverse();
      if (line.some((p) => p.several)) {
        element("svg:polygon", { points: [...above, ...below].join(" "), style: `fill: ${colour}; opacity: .2` }, svg);
      }
      const path = line.map((p) => `${x(p.images)},${y(p.mean)}`).join(" ");
      element("svg:polyline", { points: path, style: `${stroke(i)}; fill: none` }, svg);
    });
  }

  function switches(legend, names, host, order) {
    const set = element("fieldset", {}, host);
    element("legend", {}, set, legend);
    return names.map((name) => {
      const label = element("label", {}, set);
      const box = element("input", { type: "checkbox", checked: "", value: String(name) }, label);
      if (order) {
        const key = element("svg:svg", { viewBox: "0 0 24 8", width: 24, height: 8, class: "key", "aria-hidden": "true" }, label);
        element("svg:line", { x1: 1, x2: 23, y1: 4, y2: 4, style: stroke(order.indexOf(name)) }, key);
      }
      label.append(` ${name}`);
      return box;
    });
  }

  document.querySelectorAll(".curves").forEach((host) => {
    const data = JSON.parse(host.nextElementSibling.textContent);
    const order = JSON.parse(host.dataset.models); // all models of the page, in the order of colours
    const seeds = [...new Set(data.terms.flatMap((each) => each.runs.map((run) => run.seed)))].sort((a, b) => a - b);
    const controls = element("div", { class: "controls" }, host);
    const [ofModels, ofSeeds] = [switches("Models", data.models, controls, order), switches("Seeds", seeds, controls)];
    const groups = GROUPS.map(([title, belongs, open]) => {
      const details = element("details", open ? { open: "" } : {}, host);
      element("summary", {}, details, title);
      return { belongs, details, panels: element("div", { class: "panels" }, details) };
    });
    const on = (boxes) => new Set(boxes.filter((box) => box.checked).map((box) => box.value));
    const draw = () => {
      const [models, chosen] = [on(ofModels), on(ofSeeds)];
      groups.forEach(({ belongs, details, panels }) => {
        panels.replaceChildren();
        const shown = data.terms.filter((each) => belongs(each.term));
        details.hidden = !shown.length;
        shown.forEach(({ term, runs }) => {
          const lines = data.models
            .filter((model) => models.has(model))
            .map((model) => ({ model, runs: runs.filter((run) => run.model === model && chosen.has(String(run.seed))) }))
            .filter((line) => line.runs.length)
            .map(({ model, runs: kept }) => ({ model, points: combine(whole(kept)) }));
          if (lines.length) panel(term, lines, order, panels);
        });
      });
    };
    controls.addEventListener("input", draw);
    draw();
  });
})();

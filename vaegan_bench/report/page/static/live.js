"use strict";
// The section "Live models": its controls, and the images that live-worker.js makes for them.

(() => {
  const SAMPLES = 16, ACROSS = 4, EXTREME = 3;
  let sliders = 0; // so far, for their ids

  document.addEventListener("DOMContentLoaded", () => {
    const text = document.getElementById("live-data"), host = document.querySelector("#live .live-host");
    if (!text || !host) return;
    host.replaceChildren(note("Loading the networks …"));
    const watcher = new IntersectionObserver((entries) => { // the section loads only when the reader scrolls near it
      if (!entries.some((entry) => entry.isIntersecting)) return;
      watcher.disconnect();
      start(host, JSON.parse(text.textContent)).catch(({ message }) => {
        host.replaceChildren(note(`The live models could not start: ${message}`));
      });
    }, { rootMargin: "800px" });
    watcher.observe(host);
  });

  async function start(host, data) {
    const faces = await Promise.all(data.faces.map((url) => read(url, data.shape)));
    const view = { data, faces, stage: stageOf(data), samples: samplesOf(data), codes: codesIn(data), pickers: {} };
    const encodes = data.models.some((model) => model.encoder);
    view.state = {
      from: { kind: encodes && faces.length ? "face" : "code", index: 0 }, mix: 0, start: 0, alphas: data.attributes.map(() => 0),
      to: { kind: encodes && faces.length > 1 ? "face" : "code", index: 1 },
    };
    if (!data.models.some((model) => model.decoder)) return host.replaceChildren(view.stage.element);
    view.worker = workerFor(view);
    view.pickers.from = picker(view, "from", "Start from");
    view.pickers.to = picker(view, "to", "Interpolate towards");
    view.pickers.to.element.append(mixSlider(view));
    const attributes = data.attributes.length ? [attributeSliders(view)] : [];
    const sources = element("div", { class: "live-sources" }, view.pickers.from.element, view.pickers.to.element);
    view.pickers.from.bar.append(opener(view, host));
    const play = element("div", { class: "live-play" }, sources, view.stage.element, ...attributes);
    host.replaceChildren(play, ...(view.codes ? [view.samples.element] : []));
    view.samples.button.addEventListener("click", () => {
      view.state.start = (view.state.start + SAMPLES) % view.codes;
      drawSamples(view);
    });
    drawFaces(view);
    if (view.codes) drawSamples(view);
  }

  // How many codes every bank has.
  function codesIn({ codes }) {
    const counts = Object.values(codes).map((bank) => bank.count);
    return counts.length ? Math.min(...counts) : 0;
  }

  // ---- Elements

  function element(name, attributes = {}, ...children) {
    const made = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    made.append(...children);
    return made;
  }

  const note = (text) => element("p", { class: "live-note" }, text);
  // A name that is wrapped after "," and before "[" first.
  const wrappable = (name) => element("span", {}, ...name.split(/(?<=,)|(?=\[)/).flatMap((part) => [element("wbr"), part]));
  const button = (text) => element("button", { type: "button" }, text);
  const canvasOf = (width, height, label) => element("canvas", { width, height, role: "img", "aria-label": label });

  // ---- Images, which are Float32Arrays in [-1, 1], channel after channel, as networks see them

  async function read(url, [channels, height, width]) {
    const image = new Image();
    image.src = url;
    await image.decode();
    const { data } = scaled(image, width, height).getContext("2d").getImageData(0, 0, width, height);
    const area = width * height, grey = (p) => Math.round(0.299 * data[p] + 0.587 * data[p + 1] + 0.114 * data[p + 2]);
    return Float32Array.from({ length: channels * area }, (_, i) => {
      const pixel = 4 * (i % area), channel = Math.floor(i / area);
      return (channels === 1 ? grey(pixel) : data[pixel + channel]) / 127.5 - 1;
    });
  }

  // The middle of an image at another size. It is halved as often as possible first, so that no pixel is skipped.
  function scaled(image, width, height) {
    const side = Math.min(image.naturalWidth / width, image.naturalHeight / height);
    let w = Math.round(width * side), h = Math.round(height * side), source = image;
    let x = (image.naturalWidth - w) / 2, y = (image.naturalHeight - h) / 2;
    for (;;) {
      const [nextWidth, nextHeight] = w >= 2 * width ? [w >> 1, h >> 1] : [width, height];
      const canvas = element("canvas", { width: nextWidth, height: nextHeight });
      const context = canvas.getContext("2d", { willReadFrequently: true });
      context.imageSmoothingEnabled = w !== nextWidth;
      context.imageSmoothingQuality = "high";
      context.drawImage(source, x, y, w, h, 0, 0, nextWidth, nextHeight);
      if (nextWidth === width) return canvas;
      [source, x, y, w, h] = [canvas, 0, 0, nextWidth, nextHeight];
    }
  }

  function toPixels(image, [channels, height, width]) {
    const area = height * width, pixels = new Uint8ClampedArray(4 * area).fill(255);
    for (let i = 0; i < area; i++) {
      for (let c = 0; c < 3; c++) {
        pixels[4 * i + c] = Math.round((image[i + area * Math.min(c, channels - 1)] + 1) * 127.5);
      }
    }
    return pixels;
  }

  function put(canvas, pixels, [, height, width], place = 0) {
    const x = (place % ACROSS) * width, y = Math.floor(place / ACROSS) * height;
    canvas.getContext("2d").putImageData(new ImageData(pixels, width, height), x, y);
  }

  // ---- The worker

  function workerFor({ data, faces, stage, samples }) {
    const text = document.getElementById("live-worker").textContent;
    const url = URL.createObjectURL(new Blob([text], { type: "text/javascript" })), worker = new Worker(url);
    const stopped = ({ message }) => { stage.rate.textContent = `The live models have stopped: ${message}`; };
    worker.onerror = stopped;
    worker.onmessage = ({ data: made }) => {
      if (made.type === "stopped") return stopped(made);
      const rate = Number(made.rate.toPrecision(2));
      if (rate) stage.rate.textContent = `About ${rate} images per second in this browser.`;
      return (made.type === "faces" ? stage : samples).show(made);
    };
    const { shape, models, codes: banks, face_conditions: conditions, ends, attributes } = data;
    worker.postMessage({ type: "load", shape, models, banks, faces, conditions, ends, attributes, extreme: EXTREME });
    return worker;
  }

  function drawFaces({ data, faces, own, state, stage, worker }) {
    const { from, to, mix, alphas } = state;
    const between = mix ? [`${Math.round(100 * mix)} % of the way to ${wordsOf(to)}`] : [];
    const moves = alphas.flatMap((alpha, a) => (alpha ? [`${data.attributes[a]} ${signed(alpha)}`] : []));
    const words = [wordsOf(from), ...between, ...moves].join(", ");
    worker.postMessage({ type: "faces", from, to, mix, alphas, words });
    stage.showOriginal({ code: null, face: faces[from.index], own }[from.kind], wordsOf(from));
  }

  function drawSamples({ state, samples, worker }) {
    const words = `codes ${state.start + 1} to ${state.start + SAMPLES}`;
    samples.list.setAttribute("aria-busy", "true");
    samples.note.textContent = `Random ${words}, the same for all models.`;
    worker.postMessage({ type: "samples", start: state.start, count: SAMPLES, words: `samples of random ${words}` });
  }

  function wordsOf({ kind, index }) {
    return { face: `held-out face ${index + 1}`, code: `random code ${index + 1}`, own: "your image" }[kind];
  }

  const signed = (value) => (value > 0 ? "+" : value < 0 ? "−" : "") + Math.abs(value).toFixed(1);

  // ---- What the models make

  // A frame with an image, or with the reason why there is none; below it the model's name and notes on it.
  function card(list, { name, colour }, canvas, text) {
    const title = element("h3", { class: "live-name" }, wrappable(name)), words = note(text), missing = note("");
    if (colour !== undefined) title.style.setProperty("--colour", `var(--model-${colour})`);
    const frame = element("div", { class: "live-frame" }, canvas, missing);
    list.append(element("li", { class: "live-card" }, frame, title, words));
    const say = (reason) => {
      missing.textContent = reason;
      canvas.hidden = Boolean(reason);
    };
    return { canvas, name, say };
  }

  function stageOf(data) {
    const [, height, width] = data.shape, list = element("ul", { class: "live-cards" });
    const add = (model, text) => card(list, model, canvasOf(width, height, `${model.name}: no image yet`), text);
    const original = add({ name: "original" }, "");
    const cards = data.models.map((model) => {
      const added = add(model, model.decoder ? usualWords(model, data) : "");
      if (!model.decoder) added.say(model.why_not);
      return added;
    });
    const rate = element("p", { class: "live-rate" });
    const fill = ({ canvas, name, say }, pixels, words, reason) => {
      say(pixels ? "" : reason);
      canvas.setAttribute("aria-label", `${name}: ${words}`);
      if (pixels) put(canvas, pixels, data.shape);
    };
    const show = ({ model, pixels, words }) => {
      const reason = data.models[model].why_not || "has no encoder: it takes part with random codes";
      fill(cards[model], pixels, words, reason);
    };
    const showOriginal = (image, words) => {
      fill(original, image && toPixels(image, data.shape), words, `${words} has no original`);
    };
    return { element: element("div", { class: "live-stage" }, list, rate), rate, show, showOriginal };
  }

  function usualWords(model, { attributes }) {
    if (!attributes.length) return "";
    if (model.conditional) return "conditioned on the attributes";
    if (!model.vectors) return "has no attribute vectors";
    const missing = attributes.filter((name) => !model.vectors.names.includes(name));
    return missing.length ? `has no vector for ${missing.join(", ")}` : "";
  }

  function samplesOf(data) {
    const [, height, width] = data.shape, list = element("ul", { class: "live-cards live-sheets" });
    const cards = data.models.map((model) => {
      if (!model.decoder) return null;
      const canvas = canvasOf(ACROSS * width, (SAMPLES / ACROSS) * height, `${model.name}: no samples yet`);
      return card(list, model, canvas, "");
    });
    const again = button(`Another ${SAMPLES}`), words = note("");
    const head = element("div", { class: "live-bar" }, element("h3", {}, "Samples"), again, words);
    const last = data.models.findLastIndex((model) => model.decoder);
    const show = ({ model, place, pixels, words: label }) => {
      if (place === SAMPLES - 1 && model === last) list.removeAttribute("aria-busy");
      cards[model].canvas.setAttribute("aria-label", `${cards[model].name}: ${label}`);
      if (pixels) put(cards[model].canvas, pixels, data.shape, place);
    };
    return { element: element("div", { class: "live-samples" }, head, list), list, button: again, note: words, show };
  }

  // ---- Controls

  function picker(view, side, legend) {
    const choices = element("div", { class: "live-choices" }), bar = element("div", { class: "live-bar" });
    const box = element("fieldset", { class: "live-picker" }, element("legend", {}, legend), choices, bar);
    const made = { element: box, bar };
    const choose = (source) => { view.state[side] = source; drawFaces(view); };
    made.add = (source, content) => {
      const input = element("input", { type: "radio", name: `live-${side}` });
      input.addEventListener("change", () => choose(input.source));
      input.source = source;
      choices.append(element("label", { class: "live-choice" }, input, content));
      const now = view.state[side];
      input.checked = source.kind === now.kind && source.index === now.index;
      return () => { input.checked = true; choose(input.source); };
    };
    if (view.codes) {
      const code = { kind: "code", index: side === "from" ? 0 : 1 };
      const select = made.add(code, element("span", {}, "random code")), another = button("New random code");
      another.addEventListener("click", () => { code.index = Math.floor(Math.random() * view.codes); select(); });
      bar.append(another);
    }
    view.data.faces.forEach((src, index) => {
      made.add({ kind: "face", index }, element("img", { src, alt: `held-out face ${index + 1}` }));
    });
    return made;
  }

  // A slider with its name and value; a double click, like the button that resets all, brings it back to the start.
  function slider(name, range, value, words, changed) {
    const id = `live-slider-${sliders++}`, input = element("input", { type: "range", id, ...range, value });
    const label = element("label", { for: id }, name), output = element("output", { for: id });
    const update = () => {
      output.textContent = words(Number(input.value));
      input.setAttribute("aria-valuetext", output.textContent);
    };
    const reset = () => { input.value = value; update(); changed(value); };
    input.addEventListener("input", () => { update(); changed(Number(input.value)); });
    input.addEventListener("dblclick", reset);
    update();
    return { element: element("div", { class: "live-slider" }, label, input, output), reset };
  }

  function mixSlider(view) {
    const changed = (value) => { view.state.mix = value; drawFaces(view); };
    const words = (value) => `${Math.round(100 * value)} %`;
    return slider("How far", { min: 0, max: 1, step: 0.01 }, 0, words, changed).element;
  }

  function attributeSliders(view) {
    const range = { min: -EXTREME, max: EXTREME, step: 0.1 };
    const all = view.data.attributes.map((name, a) => {
      const changed = (value) => { view.state.alphas[a] = value; drawFaces(view); };
      return slider(name.replaceAll("_", " "), range, 0, signed, changed);
    });
    const reset = button("Reset attributes");
    reset.addEventListener("click", () => all.forEach((each) => each.reset()));
    const head = element("div", { class: "live-bar" }, element("h3", {}, "Attributes"), reset);
    const list = element("div", { class: "live-sliders" }, ...all.map((each) => each.element));
    return element("div", { class: "live-attributes" }, head, list);
  }

  // The reader's own image, from a file or dropped anywhere in the section.
  function opener(view, host) {
    const input = element("input", { type: "file", accept: "image/*", id: "live-file" }), words = note("");
    const label = element("label", { for: "live-file" }, "Open your own image"), selects = [];
    const open = async (file) => {
      const url = file && URL.createObjectURL(file);
      try {
        if (url) show(await read(url, view.data.shape));
      } catch {
        words.textContent = `${file.name} is not an image that this browser can read.`;
      } finally {
        if (url) URL.revokeObjectURL(url);
      }
    };
    const show = (image) => {
      words.textContent = "It stays in this browser.";
      view.own = image;
      view.worker.postMessage({ type: "own", image });
      const [, height, width] = view.data.shape, pixels = toPixels(image, view.data.shape);
      for (const [i, made] of Object.values(view.pickers).entries()) {
        if (!selects[i]) {
          const canvas = canvasOf(width, height, "your image");
          selects[i] = { canvas, select: made.add({ kind: "own", index: 0 }, canvas) };
        }
        put(selects[i].canvas, pixels, view.data.shape);
      }
      selects[0].select();
    };
    input.addEventListener("change", () => open(input.files[0]));
    host.addEventListener("dragover", (event) => { event.preventDefault(); host.classList.add("live-drop"); });
    host.addEventListener("dragleave", () => host.classList.remove("live-drop"));
    host.addEventListener("drop", (event) => {
      event.preventDefault();
      host.classList.remove("live-drop");
      open(event.dataTransfer.files[0]);
    });
    return element("div", { class: "live-bar live-own" }, input, label, words);
  }
})();

"use strict";
// Decodes images for live.js in a thread of its own, after interpreter.js. It receives
//   { type: "load", shape, models, banks, faces, conditions, ends, attributes, extreme }  once
//   { type: "own", image }                                                                the reader's, in [-1, 1]
//   { type: "faces", from, to, mix, alphas, words }                                       one image of every model
//   { type: "samples", start, count, words }                                              several draws of every model
// Of each of the last two kinds only the newest counts. A round of faces is finished before the next one begins, so
// that every model moves while a slider does; samples wait for faces.

(() => {
  const newest = { faces: null, samples: null };
  const recent = []; // [images, milliseconds] of the last images
  let work = null, busy = false, own = null, ownVersion = 0;

  self.onmessage = ({ data }) => {
    if (data.type === "load") work = load(data);
    else if (data.type === "own") [own, ownVersion] = [data.image, ownVersion + 1];
    else newest[data.type] = data;
    if (!busy) go().catch(({ message }) => self.postMessage({ type: "stopped", message }));
  };

  async function go() {
    busy = true;
    while (newest.faces || newest.samples) {
      if (newest.faces) await drawFaces();
      else await drawSamples();
    }
    busy = false;
  }

  // Handle the messages that have arrived meanwhile.
  const channel = new MessageChannel();
  let goOn = null;
  channel.port1.onmessage = () => goOn();
  const breathe = () => new Promise((resolve) => { goOn = resolve; channel.port2.postMessage(null); });

  async function drawFaces() {
    const request = newest.faces;
    newest.faces = null;
    for (const [i, model] of work.models.entries()) {
      if (!model.decoder) continue;
      send(request, i, 0, () => imageOf(model, request));
      await breathe();
    }
  }

  async function drawSamples() {
    const request = newest.samples;
    newest.samples = null;
    for (let place = 0; place < request.count; place++) {
      for (const [i, model] of work.models.entries()) {
        if (newest.faces) await drawFaces();
        if (newest.samples) return;
        if (!model.decoder) continue;
        const source = { kind: "code", index: request.start + place };
        send(request, i, place, () => imageOf(model, { from: source, mix: 0, alphas: [] }));
        await breathe();
      }
    }
  }

  function send(request, model, place, compute) {
    const before = performance.now(), pixels = compute();
    if (pixels) {
      recent.push(performance.now() - before);
      if (recent.length > 60) recent.shift();
    }
    const rate = recent.length ? 1000 * recent.length / recent.reduce((a, b) => a + b) : 0;
    const message = { type: request.type, model, place, pixels, words: request.words, rate };
    self.postMessage(message, pixels ? [pixels.buffer] : []);
  }

  function load({ shape, models, banks, faces, conditions, ends, attributes, extreme }) {
    const loaded = models.map((model) => {
      const vectors = model.vectors && halves(model.vectors.float16, model.latent);
      return {
        ...model, bank: banks[model.codes] && halves(banks[model.codes].float16, model.latent), known: new Map(),
        vectors: attributes.map((name) => (vectors && vectors[model.vectors.names.indexOf(name)]) || null),
      };
    });
    const middle = ends && ends.map(([a, b]) => (a + b) / 2);
    return { shape, models: loaded, faces, conditions, middle, ends, extreme };
  }

  // Rows of float16.
  function halves(base64, width) {
    const text = atob(base64), values = new Float32Array(text.length / 2), rows = [];
    for (let i = 0; i < values.length; i++) {
      const bits = text.charCodeAt(2 * i) | (text.charCodeAt(2 * i + 1) << 8);
      const exponent = (bits >> 10) & 31, fraction = (bits & 1023) / 1024;
      const size = exponent ? (1 + fraction) * 2 ** (exponent - 15) : fraction * 2 ** -14;
      values[i] = bits & 0x8000 ? -size : size;
    }
    for (let i = 0; i < values.length; i += width) rows.push(values.subarray(i, i + width));
    return rows;
  }

  // Programs are decoded at their first use.
  function program(model, role) {
    const key = `program of ${role}`;
    if (!model.known.has(key)) model.known.set(key, new Program(model[role]));
    return model.known.get(key);
  }

  // RGBA, or null for a model that cannot encode an image that is asked for.
  function imageOf(model, { from, to, mix, alphas }) {
    const start = codeOf(model, from), end = mix && to ? codeOf(model, to) : start;
    if (!start || !end) return null;
    const between = (a, b) => a.map((value, i) => value + mix * (b[i] - value));
    const code = between(start, end);
    if (!model.conditional) return decode(model, [moved(model, code, alphas)]);
    const known = between(conditionsOf(from), mix && to ? conditionsOf(to) : conditionsOf(from));
    return decode(model, [code, towardsEnds(known, alphas)]);
  }

  function codeOf(model, source) {
    if (source.kind === "code") return model.bank && model.bank[source.index % model.bank.length];
    if (!model.encoder) return null;
    const key = source.kind === "own" ? `own ${ownVersion}` : `face ${source.index}`;
    if (!model.known.has(key)) {
      const image = source.kind === "own" ? own : work.faces[source.index];
      const inputs = model.conditional ? [image, conditionsOf(source)] : [image];
      model.known.set(key, program(model, "encoder").run(inputs)[0].slice());
    }
    return model.known.get(key);
  }

  // A random code is conditioned on the attributes of a held-out face; of the reader's own image none are known.
  function conditionsOf({ kind, index }) {
    const known = kind !== "own" && work.conditions && work.conditions[index % work.conditions.length];
    return Float32Array.from(known || work.middle);
  }

  // z + Σ α·v
  function moved(model, code, alphas) {
    const z = code.slice();
    alphas.forEach((alpha, a) => {
      const vector = model.vectors[a];
      if (alpha && vector) for (let i = 0; i < z.length; i++) z[i] += alpha * vector[i];
    });
    return z;
  }

  // A slider in the middle leaves a condition as it is; at its ends it is that of images without or with the attribute.
  function towardsEnds(known, alphas) {
    return known.map((value, a) => {
      const alpha = alphas[a] || 0, end = work.ends[a][alpha > 0 ? 1 : 0];
      return value + Math.min(Math.abs(alpha) / work.extreme, 1) * (end - value);
    });
  }

  // A decoder's first channels are the mean before its tanh; further ones are the scale, which is not shown.
  function decode(model, inputs) {
    const [raw] = program(model, "decoder").run(inputs), [channels, height, width] = work.shape;
    const area = height * width, pixels = new Uint8ClampedArray(4 * area);
    for (let i = 0; i < area; i++) {
      for (let c = 0; c < 3; c++) {
        pixels[4 * i + c] = Math.round((Math.tanh(raw[i + area * Math.min(c, channels - 1)]) + 1) * 127.5);
      }
      pixels[4 * i + 3] = 255;
    }
    return pixels;
  }
})();

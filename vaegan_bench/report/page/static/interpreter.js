"use strict";
// Runs the programs that portable.py exports: a list of operations on one example, in float32.
// `new Program(plain).run([input, …])` returns one Float32Array for each output, valid until the next run.

const Program = (() => {
  // Little-endian numbers, as on all machines with browsers.
  function unpack(base64, Kind) {
    const text = atob(base64), bytes = new Uint8Array(text.length);
    for (let i = 0; i < bytes.length; i++) bytes[i] = text.charCodeAt(i);
    return new Kind(bytes.buffer);
  }

  // Weights are whole multiples of a step per row; all other numbers are stored as they are.
  function storeOf(plain) {
    const multiples = unpack(plain.weights, Int16Array), given = unpack(plain.numbers, Float32Array);
    const numbers = (start, count) => given.slice(start, start + count);
    const weights = (start, step, rows, depth) => {
      const found = new Float32Array(rows * depth), steps = numbers(step, rows);
      for (let row = 0, i = 0; row < rows; row++) {
        for (const end = i + depth; i < end; i++) found[i] = multiples[start + i] * steps[row];
      }
      return found;
    };
    return { numbers, weights };
  }

  // Convolutions are products of a matrix of weights and one of patches. Patches are not copied: number k of a patch
  // lies at the patch's own place plus an offset that depends on k alone. Two rows and four patches at once keep eight
  // sums in registers, which was the fastest of the tiles that we measured.
  function multiply(job, x, y) {
    const { weights, bias, offsets, places, targets, rows, plane, firstRow } = job;
    const depth = offsets.length, patches = places.length;
    for (let row = 0; row < rows; row += 2) {
      const both = row + 1 < rows, base = (firstRow + row) * plane;
      const bias0 = bias ? bias[firstRow + row] : 0, bias1 = bias && both ? bias[firstRow + row + 1] : 0;
      for (let n = 0; n < patches; n += 4) {
        const p0 = places[n], p1 = places[n + 1], p2 = places[n + 2], p3 = places[n + 3];
        let a0 = bias0, a1 = bias0, a2 = bias0, a3 = bias0, b0 = bias1, b1 = bias1, b2 = bias1, b3 = bias1;
        for (let k = 0, w = row * depth; k < depth; k++, w += 2) {
          const offset = offsets[k], v = weights[w], u = weights[w + 1];
          const x0 = x[p0 + offset], x1 = x[p1 + offset], x2 = x[p2 + offset], x3 = x[p3 + offset];
          a0 += v * x0; a1 += v * x1; a2 += v * x2; a3 += v * x3;
          b0 += u * x0; b1 += u * x1; b2 += u * x2; b3 += u * x3;
        }
        const t0 = base + targets[n], t1 = base + targets[n + 1];
        const t2 = base + targets[n + 2], t3 = base + targets[n + 3];
        y[t0] = a0; y[t1] = a1; y[t2] = a2; y[t3] = a3;
        if (both) { y[t0 + plane] = b0; y[t1 + plane] = b1; y[t2 + plane] = b2; y[t3 + plane] = b3; }
      }
    }
  }

  // Rows of weights in pairs, number by number: w[0][0], w[1][0], w[0][1], w[1][1], …
  function inPairs(rows, depth, weight) {
    const pairs = new Float32Array((rows + (rows & 1)) * depth);
    for (let row = 0; row < rows; row++) {
      for (let k = 0; k < depth; k++) pairs[(row & ~1) * depth + 2 * k + (row & 1)] = weight(row, k);
    }
    return pairs;
  }

  // The places of a grid, the last one repeated until their number is a multiple of four.
  function grid(height, width, place) {
    const places = new Int32Array(Math.ceil((height * width) / 4) * 4);
    for (let i = 0; i < places.length; i++) {
      const n = Math.min(i, height * width - 1);
      places[i] = place(Math.floor(n / width), n % width);
    }
    return places;
  }

  // One axis of a convolution: its outputs in one row, with every tap.
  function axisOf({ kernel, stride, padding, dilation, target }, axis) {
    const taps = Array.from({ length: kernel[axis] }, (_, k) => ({ k, from: k * dilation[axis] - padding[axis] }));
    return [{ start: 0, every: 1, count: target[axis + 1], step: stride[axis], taps }];
  }

  // One axis of a transposed convolution: outputs that are `stride` apart see the same taps, with inputs side by side.
  function transposedAxisOf({ kernel, stride, padding, dilation, target }, axis) {
    const step = stride[axis], phases = [];
    for (let start = 0; start < Math.min(step, target[axis + 1]); start++) {
      const taps = [];
      for (let k = 0; k < kernel[axis]; k++) {
        const from = start + padding[axis] - k * dilation[axis];
        if (from % step === 0) taps.push({ k, from: from / step });
      }
      phases.push({ start, every: step, count: Math.ceil((target[axis + 1] - start) / step), step: 1, taps });
    }
    return phases;
  }

  // How far patches reach beyond the input, before its first and behind its last row or column.
  function margins(phases, length) {
    let before = 0, behind = 0;
    for (const { count, step, taps } of phases) {
      for (const { from } of taps) {
        before = Math.max(before, -from);
        behind = Math.max(behind, from + (count - 1) * step - (length - 1));
      }
    }
    return [before, behind];
  }

  function convolution(op, store) {
    const transposed = op.kind === "transposed_convolution", axis = transposed ? transposedAxisOf : axisOf;
    const [channels, height, width] = op.source, [outputs, , targetWidth] = op.target;
    const ys = axis(op, 0), xs = axis(op, 1), [kernelHeight, kernelWidth] = op.kernel;
    const [top, bottom] = margins(ys, height), [left, right] = margins(xs, width);
    const wide = left + width + right, high = top + height + bottom;
    const padded = wide > width || high > height ? new Float32Array(channels * high * wide) : null;
    const depth = channels / op.groups, rows = outputs / op.groups, area = kernelHeight * kernelWidth;
    const weight = store.weights(op.weight, op.step, outputs, depth * area);
    const bias = op.bias === undefined ? null : store.numbers(op.bias, outputs);
    const jobs = [];
    for (const y of ys) for (const x of xs) for (let group = 0; group < op.groups; group++) {
      const tap = (v, h) => ({ k: v.k * kernelWidth + h.k, at: v.from * wide + h.from });
      const taps = y.taps.flatMap((v) => x.taps.map((h) => tap(v, h)));
      const offsets = new Int32Array(depth * taps.length);
      for (let k = 0; k < offsets.length; k++) {
        const channel = group * depth + Math.floor(k / taps.length);
        offsets[k] = channel * high * wide + taps[k % taps.length].at;
      }
      const weightOf = (row, k) => {
        const channel = Math.floor(k / taps.length);
        return weight[((group * rows + row) * depth + channel) * area + taps[k % taps.length].k];
      };
      jobs.push({
        weights: inPairs(rows, offsets.length, weightOf), bias, offsets, rows, firstRow: group * rows,
        plane: op.target[1] * targetWidth,
        places: grid(y.count, x.count, (i, j) => (top + i * y.step) * wide + left + j * x.step),
        targets: grid(y.count, x.count, (i, j) => (y.start + i * y.every) * targetWidth + x.start + j * x.every),
      });
    }
    return ([x], y) => {
      const source = padded ? intoMiddle(x, padded, channels, height, width, high, wide, top, left) : x;
      for (const job of jobs) multiply(job, source, y);
    };
  }

  // The zeros around the input stay from one run to the next.
  function intoMiddle(x, padded, channels, height, width, high, wide, top, left) {
    for (let c = 0; c < channels; c++) {
      for (let i = 0; i < height; i++) {
        const from = (c * height + i) * width;
        padded.set(x.subarray(from, from + width), (c * high + top + i) * wide + left);
      }
    }
    return padded;
  }

  function linear(op, store, sizes) {
    const inputs = sizes[op.inputs[0]], outputs = sizes[op.output];
    const weight = store.weights(op.weight, op.step, outputs, inputs);
    const bias = op.bias === undefined ? new Float32Array(outputs) : store.numbers(op.bias, outputs);
    return ([x], y) => {
      let row = 0;
      for (; row + 4 <= outputs; row += 4) { // four rows share what is loaded of x
        const w0 = row * inputs, w1 = w0 + inputs, w2 = w1 + inputs, w3 = w2 + inputs;
        let a0 = bias[row], a1 = bias[row + 1], a2 = bias[row + 2], a3 = bias[row + 3];
        for (let k = 0; k < inputs; k++) {
          const v = x[k];
          a0 += weight[w0 + k] * v; a1 += weight[w1 + k] * v; a2 += weight[w2 + k] * v; a3 += weight[w3 + k] * v;
        }
        y[row] = a0; y[row + 1] = a1; y[row + 2] = a2; y[row + 3] = a3;
      }
      for (; row < outputs; row++) {
        let sum = bias[row];
        for (let k = 0; k < inputs; k++) sum += weight[row * inputs + k] * x[k];
        y[row] = sum;
      }
    };
  }

  function affine(op, store, sizes) {
    const size = sizes[op.output], blocks = size / op.block;
    const scale = store.numbers(op.scale, blocks), shift = store.numbers(op.shift, blocks);
    return ([x], y) => {
      for (let b = 0, i = 0; b < blocks; b++) {
        for (const end = i + op.block; i < end; i++) y[i] = x[i] * scale[b] + shift[b];
      }
    };
  }

  // erf to within 1.5e-7 (Abramowitz and Stegun, 1964, 7.1.26)
  function erf(v) {
    const t = 1 / (1 + 0.3275911 * Math.abs(v));
    const tail = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))));
    return Math.sign(v) * (1 - tail * Math.exp(-v * v));
  }

  const sigmoid = (v) => 1 / (1 + Math.exp(-v));
  const FUNCTIONS = {
    leaky_relu: ({ slope }) => (v) => (v > 0 ? v : slope * v),
    elu: ({ alpha, scale, input_scale: inner }) => (v) => scale * (v > 0 ? v : alpha * Math.expm1(v * inner)),
    silu: () => (v) => v * sigmoid(v),
    gelu: ({ approximate }) => approximate === "tanh"
      ? (v) => 0.5 * v * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (v + 0.044715 * v * v * v)))
      : (v) => 0.5 * v * (1 + erf(v / Math.SQRT2)),
    tanh: () => Math.tanh,
    sigmoid: () => sigmoid,
    softplus: ({ beta, threshold }) => (v) => (v * beta > threshold ? v : Math.log1p(Math.exp(v * beta)) / beta),
    clamp: ({ low, high }) => (v) => Math.min(Math.max(v, low ?? -Infinity), high ?? Infinity),
    round: () => (v) => (Math.abs(v % 1) === 0.5 ? 2 * Math.round(v / 2) : Math.round(v)), // halves to even numbers
  };

  function activation(op, store, sizes) {
    const size = sizes[op.output];
    if (op.kind === "leaky_relu") { // by far the most frequent
      const slope = op.slope;
      return ([x], y) => { for (let i = 0; i < size; i++) { const v = x[i]; y[i] = v > 0 ? v : slope * v; } };
    }
    const f = FUNCTIONS[op.kind](op);
    return ([x], y) => { for (let i = 0; i < size; i++) y[i] = f(x[i]); };
  }

  const PAIRS = {
    add: (a, b) => a + b, subtract: (a, b) => a - b, multiply: (a, b) => a * b, minimum: Math.min, maximum: Math.max,
  };

  function pair(op, store, sizes) {
    const size = sizes[op.output], f = PAIRS[op.kind];
    return ([x, z], y) => { for (let i = 0; i < size; i++) y[i] = f(x[i], z[i]); };
  }

  function gather(op, store, sizes) {
    let places = Int32Array.of(0);
    for (const axis of op.axes) {
      const next = new Int32Array(places.length * axis.length);
      for (let i = 0, n = 0; i < places.length; i++) {
        for (let j = 0; j < axis.length; j++) next[n++] = places[i] < 0 || axis[j] < 0 ? -1 : places[i] + axis[j];
      }
      places = next;
    }
    return ([x], y) => { for (let i = 0; i < places.length; i++) y[i] = places[i] < 0 ? op.fill : x[places[i]]; };
  }

  function concatenate(op, store, sizes) {
    const whole = op.blocks.reduce((sum, block) => sum + block, 0), rows = sizes[op.output] / whole;
    return (inputs, y) => {
      for (let row = 0, to = 0; row < rows; row++) {
        inputs.forEach((x, i) => {
          const block = op.blocks[i];
          y.set(x.subarray(row * block, (row + 1) * block), to);
          to += block;
        });
      }
    };
  }

  function sum(op, store, sizes) {
    const size = sizes[op.output];
    return ([x], y) => {
      for (let i = 0, k = 0; i < size; i++) {
        let total = 0;
        for (const end = k + op.count; k < end; k++) total += x[k];
        y[i] = total * op.factor;
      }
    };
  }

  function standardise({ count, epsilon, output }, store, sizes) {
    const size = sizes[output];
    return ([x], y) => {
      for (let start = 0; start < size; start += count) {
        const end = start + count;
        let mean = 0, variance = 0;
        for (let i = start; i < end; i++) mean += x[i] / count;
        for (let i = start; i < end; i++) variance += (x[i] - mean) * (x[i] - mean) / count;
        const factor = 1 / Math.sqrt(variance + epsilon);
        for (let i = start; i < end; i++) y[i] = (x[i] - mean) * factor;
      }
    };
  }

  function distances({ inputs, output, weight, width }, store, sizes) {
    const rows = sizes[inputs[0]] / width, entries = sizes[output] / rows;
    const table = store.numbers(weight, entries * width);
    return ([x], y) => {
      for (let row = 0, to = 0; row < rows; row++) {
        for (let entry = 0; entry < entries; entry++) {
          let sum = 0;
          for (let k = 0; k < width; k++) sum += (x[row * width + k] - table[entry * width + k]) ** 2;
          y[to++] = Math.sqrt(sum);
        }
      }
    };
  }

  function argmin({ count, output }, store, sizes) {
    const size = sizes[output];
    return ([x], y) => {
      for (let row = 0; row < size; row++) {
        let least = 0;
        for (let k = 1; k < count; k++) if (x[row * count + k] < x[row * count + least]) least = k;
        y[row] = least;
      }
    };
  }

  function lookUp({ inputs, weight, width, length }, store, sizes) {
    const size = sizes[inputs[0]], table = store.numbers(weight, length);
    return ([x], y) => {
      for (let row = 0; row < size; row++) y.set(table.subarray(x[row] * width, (x[row] + 1) * width), row * width);
    };
  }

  function resample(op) {
    const [channels, height, width] = op.source, { rows, columns } = op;
    const line = new Float64Array(width);
    return ([x], y) => {
      for (let c = 0, to = 0; c < channels; c++) {
        for (const [top, vertical] of rows) {
          line.fill(0);
          vertical.forEach((weight, i) => {
            const from = (c * height + top + i) * width;
            for (let j = 0; j < width; j++) line[j] += weight * x[from + j];
          });
          for (const [left, horizontal] of columns) {
            let total = 0;
            for (let j = 0; j < horizontal.length; j++) total += horizontal[j] * line[left + j];
            y[to++] = total;
          }
        }
      }
    };
  }

  function maxPool({ source, target, kernel, stride, padding, dilation }) {
    const [channels, height, width] = source, [, high, wide] = target;
    const largest = (x, c, i, j) => {
      let most = -Infinity;
      for (let a = 0; a < kernel[0]; a++) {
        const row = i * stride[0] - padding[0] + a * dilation[0];
        for (let b = 0; b < kernel[1]; b++) {
          const column = j * stride[1] - padding[1] + b * dilation[1];
          const inside = row >= 0 && row < height && column >= 0 && column < width;
          if (inside) most = Math.max(most, x[(c * height + row) * width + column]);
        }
      }
      return most;
    };
    return ([x], y) => {
      for (let c = 0, to = 0; c < channels; c++) {
        for (let i = 0; i < high; i++) for (let j = 0; j < wide; j++) y[to++] = largest(x, c, i, j);
      }
    };
  }

  function constant(op, store, sizes) {
    const values = store.numbers(op.weight, sizes[op.output]);
    return (_, y) => y.set(values);
  }

  const KINDS = {
    convolution, transposed_convolution: convolution, linear, affine, gather, concatenate, sum, resample, constant,
    max_pool: maxPool, standardise, distances, argmin, look_up: lookUp,
    ...Object.fromEntries(Object.keys(PAIRS).map((kind) => [kind, pair])),
    ...Object.fromEntries(Object.keys(FUNCTIONS).map((kind) => [kind, activation])),
  };

  // Memory for every value. It is used again after a value's last use; functions of single numbers write in place.
  function memoryOf({ inputs, operations, sizes, returned }) {
    const last = new Map(operations.flatMap((op, i) => op.inputs.map((value) => [value, i])));
    const inPlace = { ...FUNCTIONS, ...PAIRS, affine: true }, free = [], memory = [];
    const release = (op, i) => {
      for (const value of new Set(op.inputs)) {
        const kept = value < inputs.length || returned.includes(value);
        if (!kept && last.get(value) === i) free.push(memory[value].buffer);
      }
    };
    operations.forEach((op, i) => {
      if (inPlace[op.kind]) release(op, i);
      const bytes = 4 * sizes[op.output], found = free.findIndex((buffer) => buffer.byteLength >= bytes);
      const buffer = found < 0 ? new ArrayBuffer(bytes) : free.splice(found, 1)[0];
      memory[op.output] = new Float32Array(buffer, 0, sizes[op.output]);
      if (!inPlace[op.kind]) release(op, i);
    });
    return memory;
  }

  return class Program {
    constructor(plain) {
      const store = storeOf(plain);
      this.plain = { inputs: plain.inputs, outputs: plain.outputs, returned: plain.returned };
      this.memory = memoryOf(plain);
      this.steps = plain.operations.map((op) => ({
        inputs: op.inputs, output: op.output, compute: KINDS[op.kind](op, store, plain.sizes),
      }));
    }

    run(inputs) {
      const values = [...inputs, ...this.memory.slice(inputs.length)];
      for (const { inputs: from, output, compute } of this.steps) compute(from.map((i) => values[i]), values[output]);
      return this.plain.returned.map((value) => values[value]);
    }
  };
})();

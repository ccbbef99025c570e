"use strict";
// Runs the programs that portable.py exports: a list of operations on one example, in float32; after convolutions.js.
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

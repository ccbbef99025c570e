"use strict";
// The convolutions of interpreter.js, plain and transposed: `convolution(op, store)` returns a function that computes y
// from x. `op` describes the operation, and `store` holds its weights.

const convolution = (() => {
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

  return convolution;
})();

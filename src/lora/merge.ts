import type { HostTensor } from '../core/host-tensor.js';
import type { ParameterChange } from '../model/load.js';
import { type Adapter, matrixNames } from './adapter.js';
import { scalingOf } from './options.js';

/**
 * Adds an adapter's change to one of the model's parameters, in place: W + scale * B A for the
 * weight of a projection that has an adapter, nothing for any other name. Sums are in float64 and
 * rounded to float32 once.
 */
export function mergeInto(name: string, weight: HostTensor, adapter: Adapter): void {
  const matrices = matricesFor(name, adapter);
  if (matrices) addProduct(weight.data, matrices.b, matrices.a, scalingOf(adapter.options));
}

/** Adds these adapters' changes, one after the other, to parameters that are being loaded. */
export const merging =
  (adapters: readonly Adapter[]): ParameterChange =>
  (name) => {
    const involved = adapters.filter((adapter) => matricesFor(name, adapter));
    if (involved.length === 0) return undefined;
    return (weight) => {
      for (const adapter of involved) mergeInto(name, weight, adapter);
    };
  };

function matricesFor(name: string, { tensors }: Adapter): { a: HostTensor; b: HostTensor } | undefined {
  if (!name.endsWith('.weight')) return undefined;
  const names = matrixNames(name.slice(0, -'.weight'.length));
  const [a, b] = [tensors.get(names.a), tensors.get(names.b)];
  return a && b ? { a, b } : undefined;
}

/** w [outputs, inputs] += scale * b [outputs, R] a [R, inputs], four ranks at once. */
function addProduct(w: HostTensor['data'], b: HostTensor, a: HostTensor, scale: number): void {
  const [rank, inputs] = a.shape as [number, number];
  const sum = new Float64Array(inputs);
  for (let o = 0; o * inputs < w.length; o++) {
    sum.fill(0);
    let r = 0;
    for (; r + 4 <= rank; r += 4) addFour(sum, b.data, o * rank + r, a.data, r * inputs);
    for (; r < rank; r++) {
      const factor = b.data[o * rank + r]!;
      for (let i = 0; i < inputs; i++) sum[i]! += factor * a.data[r * inputs + i]!;
    }
    for (let i = 0; i < inputs; i++) w[o * inputs + i]! += scale * sum[i]!;
  }
}

function addFour(sum: Float64Array, b: HostTensor['data'], at: number, a: HostTensor['data'], row: number): void {
  const n = sum.length;
  const [b0, b1, b2, b3] = [b[at]!, b[at + 1]!, b[at + 2]!, b[at + 3]!];
  for (let i = 0; i < n; i++)
    sum[i]! += b0 * a[row + i]! + b1 * a[row + n + i]! + b2 * a[row + 2 * n + i]! + b3 * a[row + 3 * n + i]!;
}

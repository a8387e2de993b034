import fc from 'fast-check';
import { expect, test } from 'vitest';
import { float32, type HostTensor, int32, sizeOf } from '../../src/core/host-tensor.js';
import { keptName, parameterGroups } from '../../src/optim/groups.js';
import { fromVector, layoutOf, type Shapes, stackedLayouts, toVector } from '../../src/optim/layout.js';

const dimension = fc.integer({ min: 1, max: 5 });
const someShapes = fc
  .array(fc.array(dimension, { maxLength: 3 }), { minLength: 1, maxLength: 12 })
  .map((shapes): Shapes => new Map(shapes.map((shape, i) => [`t${i}${i % 3 === 0 ? '.bias' : ''}`, shape])));

/** Tensors whose every element is different. */
function numbered(shapes: Shapes): Map<string, HostTensor> {
  let next = 1;
  return new Map(
    [...shapes].map(([name, shape]) => [
      name,
      float32(
        shape,
        Float32Array.from({ length: sizeOf(shape) }, () => next++),
      ),
    ]),
  );
}

test('what is put into a vector comes out of it, for any shapes', () => {
  fc.assert(
    fc.property(someShapes, (shapes) => {
      const layout = layoutOf(shapes);
      const values = numbered(shapes);
      const vector = toVector(layout, (name) => values.get(name));
      expect(vector.shape).toEqual([layout.size]);
      // No gaps and no overlaps: the numbers are there, each once, in order.
      expect([...vector.data]).toEqual(Array.from({ length: layout.size }, (_, i) => i + 1));
      for (const [name, value] of values) expect(fromVector(layout, vector, name)).toEqual(value);
    }),
  );
});

test('groups hold every parameter once, and decay only what decays', () => {
  fc.assert(
    fc.property(someShapes, fc.constantFrom(0, 0.1), (shapes, weightDecay) => {
      const groups = parameterGroups(shapes, weightDecay);
      const names = groups.flatMap(({ tensors }) => [...tensors.places.keys()]);
      expect(names.toSorted()).toEqual([...shapes.keys()].toSorted());
      for (const group of groups) {
        expect(group.tensors.size).toBeGreaterThan(0);
        expect(group.weightDecay).toBe(group.name === 'decayed' ? weightDecay : 0);
        if (weightDecay > 0)
          for (const name of group.tensors.places.keys())
            expect(name.endsWith('.bias')).toBe(group.name === 'undecayed');
      }
    }),
  );
});

test('a stack is the rows of its members one below the other, wherever they stood', () => {
  const shapes = new Map([
    ['q.a', [2, 3]],
    ['q.b', [4, 2]],
    ['k.a', [1, 3]],
    ['k.b', [5, 1]],
    ['o.a', [2, 4]],
  ]);
  const { tensors, pieces } = stackedLayouts(shapes, new Map([['qk.a', ['q.a', 'k.a']]]));
  expect([...pieces.places].map(([name, { shape }]) => [name, shape])).toEqual([
    ['qk.a', [3, 3]],
    ['q.b', [4, 2]],
    ['k.b', [5, 1]],
    ['o.a', [2, 4]],
  ]);
  expect(pieces.size).toBe(tensors.size);
  const values = numbered(shapes);
  const vector = toVector(tensors, (name) => values.get(name));
  const stacked = fromVector(pieces, vector, 'qk.a').data;
  expect([...stacked]).toEqual([...values.get('q.a')!.data, ...values.get('k.a')!.data]);
  for (const name of ['q.b', 'k.b', 'o.a']) expect(fromVector(pieces, vector, name)).toEqual(values.get(name));
});

test('a stack of different widths, or with a member that is not there, is refused by name', () => {
  const shapes = new Map([
    ['a', [2, 3]],
    ['b', [2, 4]],
  ]);
  expect(() => stackedLayouts(shapes, new Map([['ab', ['a', 'b']]]))).toThrow('ab: cannot stack b [2,4]');
  expect(() => stackedLayouts(shapes, new Map([['ac', ['a', 'c']]]))).toThrow('ac: cannot stack c (no such tensor)');
});

test('a vector is not made of tensors that are missing, of another shape or of integers', () => {
  const layout = layoutOf(new Map([['w', [2]]]));
  expect(() => toVector(layout, () => undefined)).toThrow('w: expected float32 [2], got nothing');
  expect(() => toVector(layout, () => float32([1, 2], [1, 2]))).toThrow('w: expected float32 [2], got float32 [1,2]');
  expect(() => toVector(layout, () => int32([2], [1, 2]))).toThrow('got int32 [2]');
  expect(() => fromVector(layout, float32([2], [1, 2]), 'v')).toThrow('no tensor v');
});

test('what is kept of a parameter has torch’s names', () => {
  expect(keptName('value', 'w')).toBe('w');
  expect(keptName('exp_avg', 'w')).toBe('exp_avg.w');
  expect(keptName('exp_avg_sq', 'w')).toBe('exp_avg_sq.w');
});

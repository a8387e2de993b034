import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { inferShapes, shapeRules } from '../../../src/program/captured/shape-rules/index.js';
import type { OpCall } from '../../../src/program/captured/shape-rules/rule.js';
import { nativeOnly } from '../../helpers/backend.js';
import { opCalls } from './op-calls/index.js';
import { call, disturbed, known, scalar, tensor } from './op-calls/make.js';
import { runReal } from './real-op.js';

const RUNS = { numRuns: 25, seed: 20240615 };
const OPS = Object.keys(opCalls);

/** Shapes and types of the outputs, or that the call was refused. */
function outcome(work: () => unknown): { outputs: unknown } | { refused: string } {
  try {
    return { outputs: work() };
  } catch (error) {
    return { refused: (error as Error).message };
  }
}

/** Refusals that say nothing about shapes: no kernel for the type on this device, or elements that no rule sees. */
const UNRELATED =
  /Could not find device|No OpKernel|No registered|division by zero|(segment_ids|indices)\S* = \d+ is (out of range|not in)/;

/** Refused in a graph, by the op's own shape function, though the op alone takes it: an old form, or unchecked. */
const STRICTER: Readonly<Record<string, RegExp>> = {
  Reshape: /its shape must be of rank 1, got \[\]/,
  Fill: /its shape must be of rank 1, got \[\]|its value must be of rank 0/,
  Range: /must be of rank 0/,
  Split: /its axis must be of rank 0/,
  SplitV: /its axis must be of rank 0/,
  ConcatV2: /its axis must be of rank 0/,
  Einsum: /has two sizes/,
  SigmoidGrad: /shapes differ/,
  TanhGrad: /shapes differ/,
};

/** Refused because a graph is recorded before the value is known. */
const UNKNOWN = 'must be constant when a graph is recorded';

/** Ops that end the process when shapes do not fit. */
const FATAL: ReadonlySet<string> = new Set(['ScatterNd', 'TensorScatterUpdate', 'TensorScatterAdd']);

const describeCall = ({ op, inputs, attributes }: OpCall): string => `${op} ${JSON.stringify({ inputs, attributes })}`;

test('every rule is checked against its op', () => {
  expect(OPS.sort()).toEqual([...shapeRules.keys()].sort());
});

describe('a rule says what the op itself gives', () => {
  for (const op of OPS)
    nativeOnly(op, () => {
      let compared = 0;
      const calls = fc.gen().map((draw) => opCalls[op]!(op, draw));
      fc.assert(
        fc.property(calls, (made) => {
          const real = outcome(() => runReal(made));
          if ('refused' in real && UNRELATED.test(real.refused)) return;
          expect(
            outcome(() => inferShapes(made)),
            describeCall(made),
          ).toEqual(real);
          compared++;
        }),
        RUNS,
      );
      expect(compared).toBeGreaterThan(RUNS.numRuns / 2);
    });
});

describe('a rule refuses what the op refuses, and nothing else', () => {
  for (const op of OPS)
    nativeOnly(op, () => {
      const calls = fc.gen().map((draw) => disturbed(draw, opCalls[op]!(op, draw)));
      fc.assert(
        fc.property(calls, (made) => {
          const inferred = outcome(() => inferShapes(made));
          const refused = 'refused' in inferred ? inferred.refused : undefined;
          if (refused && (FATAL.has(op) || STRICTER[op]?.test(refused) || refused.includes(UNKNOWN))) return;
          const real = outcome(() => runReal(made));
          if ('refused' in real && UNRELATED.test(real.refused)) return;
          if ('refused' in real) expect(refused, `${describeCall(made)}: ${real.refused}`).toBeDefined();
          else expect(inferred, describeCall(made)).toEqual(real);
        }),
        RUNS,
      );
    });
});

const floats = (...values: number[]) => values.map((value) => scalar(Math.fround(value), 'float32'));

describe('rule and op agree in corners that are rarely drawn', () => {
  const corners: Readonly<Record<string, OpCall>> = {
    'a range that float32 makes one shorter': call('Range', floats(0, 7, 0.7)),
    'a size left open beside a 0': call('Reshape', [tensor('float32', [3, 1, 0]), known('int32', [3], [-1, 0, 1])]),
    'an axis inside the batch': call('GatherV2', [tensor('float32', [2, 3]), tensor('int32', [2, 1]), scalar(0)], {
      batch_dims: { int: 1 },
    }),
  };
  for (const [name, made] of Object.entries(corners))
    nativeOnly(name, () => {
      const [inferred, real] = [outcome(() => inferShapes(made)), outcome(() => runReal(made))];
      if ('refused' in real) expect(inferred).toHaveProperty('refused');
      else expect(inferred).toEqual(real);
    });
});

test.each(OPS)('%s needs no element but of what must be constant, and says so', (op) => {
  const calls = fc.gen().map((draw) => opCalls[op]!(op, draw));
  fc.assert(
    fc.property(calls, (made) => {
      const inputs = made.inputs.map(({ dtype, shape }) => ({ dtype, shape }));
      const blind = outcome(() => inferShapes({ ...made, inputs }));
      if ('refused' in blind) expect(blind.refused).toContain(UNKNOWN);
      else expect(blind.outputs).toEqual(inferShapes(made));
    }),
    RUNS,
  );
});

describe('an error names the op, what was expected and what came', () => {
  const refusal = (made: OpCall) => {
    expect(() => inferShapes(made)).toThrow(RangeError);
    return (outcome(() => inferShapes(made)) as { refused: string }).refused;
  };

  test('without a rule', () => {
    expect(refusal(call('Whatever', [tensor('int32', [2])]))).toBe(
      'Whatever: there is no shape rule for this op, so it cannot be recorded; its inputs are int32 [2]',
    );
  });

  test('shapes that do not fit', () => {
    expect(refusal(call('MatMul', [tensor('float32', [2, 3]), tensor('float32', [4, 5])]))).toBe(
      'MatMul: the inner sizes 3 and 4 differ; its inputs are float32 [2, 3], float32 [4, 5]',
    );
    expect(refusal(call('AddV2', [tensor('float32', [2, 3]), tensor('float32', [2])]))).toBe(
      'AddV2: [2, 3] and [2] do not broadcast; its inputs are float32 [2, 3], float32 [2]',
    );
  });

  test('types that do not fit the inputs, or the attribute, of which a graph would be refused', () => {
    expect(refusal(call('Mul', [tensor('float32', [2]), tensor('int32', [2])]))).toContain('types differ');
    expect(refusal(call('Sqrt', [tensor('int32', [2])]))).toContain('expected float32, bfloat16, got int32');
    expect(refusal(call('Neg', [tensor('float32', [2])], { T: { type: 'int32' } }))).toContain(
      'its attribute T says int32, but float32 came',
    );
  });

  test('another number of inputs or outputs', () => {
    expect(refusal(call('Mul', [tensor('float32', [2])]))).toContain('expected 2 inputs (x, y)');
    expect(refusal(call('TopKV2', [tensor('float32', [2]), scalar(1)]))).toContain('it has 2 outputs, not 1');
  });

  test('an attribute that is missing or of the wrong kind', () => {
    const x = tensor('float32', [2]);
    expect(refusal(call('Cast', [x]))).toContain('the attribute DstT is missing');
    expect(refusal(call('Cast', [x], { DstT: { int: 3 } }))).toContain('the attribute DstT is of the wrong kind');
  });
});

test('a slice at a start that is fed has the shape of its constant size', () => {
  const inputs = [tensor('float32', [4, 6]), tensor('int32', [2]), known('int32', [2], [1, 6])];
  expect(inferShapes(call('Slice', inputs))).toEqual([{ shape: [1, 6], dtype: 'float32' }]);
});

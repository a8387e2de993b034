import { beforeAll, describe, expect } from 'vitest';
import { nativeBackend, nativeOp } from '../../src/backend/raw/native-op.js';
import * as tf from '../../src/backend/tf.js';
import { float32 } from '../../src/core/host-tensor.js';
import { rmsNorm } from '../../src/ops/rms-norm.js';
import { compile } from '../../src/program/compile.js';
import type { Entry, Program } from '../../src/program/program.js';
import { nativeOnly, testBackend } from '../helpers/backend.js';

beforeAll(() => testBackend());

const handles = (): number => (nativeBackend().binding as unknown as { getNumOfTensors(): number }).getNumOfTensors();
const x = float32([2], [1, 2]);

/** A program with an entry `twist` of an input x [N]. */
const twist = (run: Entry['run']): Promise<Program> =>
  compile(
    { variables: {}, entries: { twist: { inputs: { x: { shape: [null], dtype: 'float32' } }, run } } },
    { mode: 'captured', precision: 'float32' },
  );
const twisted = async (run: Entry['run']): Promise<number[]> => {
  const program = await twist(run);
  try {
    return [...(await program.run('twist', { x }, ['y'])).y!.data];
  } finally {
    program.dispose();
  }
};
const refusal = async (run: Entry['run']): Promise<string> => {
  const error = await twisted(run).then(
    () => undefined,
    (error: Error) => error,
  );
  return error?.message ?? 'it was taken';
};
const y = (value: tf.Tensor) => ({ outputs: { y: value } });
/** The place of the call, as it stands at the end of a line of a stack. */
const HERE = String.raw`\(at .*tests/program/recording\.test\.ts:\d+:\d+\)?\)`;

describe('what cannot be recorded is refused with what it was and where', () => {
  const refused: readonly (readonly [string, Entry['run'], string])[] = [
    [
      'an op without a shape rule',
      (_, { x }) => y(tf.acosh(x!)),
      String.raw`^recording twist: Acosh: there is no shape rule for this op, so it cannot be recorded; its inputs are float32 \[2\] ${HERE}$`,
    ],
    [
      'shapes that do not fit',
      (_, { x }) => y(nativeOp('AddV2', { T: 'float32' }, [x!, tf.zeros([3])], 1)[0]!),
      String.raw`^recording twist: AddV2: \[2\] and \[3\] do not broadcast; its inputs are float32 \[2\], float32 \[3\] ${HERE}$`,
    ],
    [
      'a read of elements',
      (_, { x }) => y(tf.scalar(x!.dataSync()[0]!)),
      `^recording twist: the elements of a tensor are read ${HERE}, but there are none while recording$`,
    ],
    [
      'a read by an op of TensorFlow.js itself',
      (_, { x }) => y(tf.gather(x!, tf.cast(x!, 'int32'))),
      `^recording twist: the elements of a tensor are read ${HERE}, but there are none while recording$`,
    ],
  ];
  for (const [what, run, message] of refused)
    nativeOnly(what, async () => {
      const [tensors, before] = [tf.memory().numTensors, handles()];
      expect(await refusal(run)).toMatch(new RegExp(message));
      expect([tf.memory().numTensors, handles()]).toEqual([tensors, before]);
    });

  nativeOnly('the place is where an op of ours was called, not TensorFlow.js or what records', async () => {
    const message = await refusal((_, { x }) => y(rmsNorm(tf.reshape(x!, [1, 2]), tf.tensor1d([1, 2, 3]), 1e-5)));
    expect(message).toMatch(/^recording twist: Mul: .*\(at .*src\/ops\/rms-norm\.ts:\d+:\d+\)?\)$/);
  });
});

describe('a tensor that was made outside is refused, and is what it was afterwards', () => {
  const taken = (op: string) =>
    new RegExp(`^recording twist: ${op} takes a tensor that was made outside the entry ${HERE}; feed it as an input$`);
  const withOutside = async (outside: tf.Tensor) => {
    expect(await refusal((_, { x }) => y(tf.add(x!, outside)))).toMatch(taken('Add'));
    expect(await refusal((_, { x }) => y(tf.add(x!, tf.reshape(outside, [1, 2]))))).toMatch(taken('Reshape'));
    expect(await refusal(() => y(outside))).toMatch(/^recording twist: it returns a tensor that was made outside/);
    expect([...tf.tidy(() => tf.add(outside, 1).dataSync())]).toEqual([4, 5]);
    outside.dispose();
  };

  nativeOnly('one that was computed', () => withOutside(tf.add(tf.tensor1d([1, 2]), 2)));
  nativeOnly('one that the library has not seen yet', () => withOutside(tf.tensor1d([3, 4])));
});

nativeOnly('elements that an entry makes itself are part of it', async () => {
  expect(await twisted((_, { x }) => y(tf.mul(tf.add(x!, tf.tensor1d([3, 4])), 4)))).toEqual([16, 24]);
});

nativeOnly('an output may be an input, a constant, or the same as another', async () => {
  const program = await twist((_, { x }) => ({ outputs: { x: x!, y: x!, three: tf.scalar(3) } }));
  const { x: same, y: again, three } = await program.run('twist', { x }, ['x', 'y', 'three']);
  expect([same, again, [...three!.data]]).toEqual([x, x, [3]]);
  program.dispose();
});

nativeOnly('after a shape that cannot be recorded those that can go on', async () => {
  const program = await twist((_, { x }) => y(tf.add(x!, tf.reshape(tf.add(tf.zeros([1, 2]), x!), [2]))));
  expect([...(await program.run('twist', { x }, ['y'])).y!.data]).toEqual([2, 4]);
  await expect(program.run('twist', { x: float32([3], [1, 2, 3]) })).rejects.toThrow('do not broadcast');
  expect([...(await program.run('twist', { x }, ['y'])).y!.data]).toEqual([2, 4]);
  program.dispose();
});

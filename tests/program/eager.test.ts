import { beforeAll, describe, expect, test } from 'vitest';
import * as tf from '../../src/backend/tf.js';
import { bfloat16, float32, int32 } from '../../src/core/host-tensor.js';
import { compile } from '../../src/program/compile.js';
import { joinSpecs, type ProgramSpec } from '../../src/program/program.js';
import { testBackend } from '../helpers/backend.js';

const counter: ProgramSpec = {
  variables: {
    total: { shape: [2], dtype: 'float32', role: 'state' },
    step: { shape: [2], dtype: 'float32', role: 'frozen' },
  },
  entries: {
    add: {
      inputs: { times: { shape: [], dtype: 'int32' }, more: { shape: [null, 2], dtype: 'float32' } },
      run({ total, step }, { times, more }) {
        const next = tf.add(tf.add(total!, tf.mul(step!, times!)), tf.sum(more!, 0));
        return { outputs: { next, old: total! }, updates: { total: next } };
      },
    },
    thaw: { inputs: {}, run: ({ step }) => ({ outputs: {}, updates: { step: tf.add(step!, 1) } }) },
  },
};
const program = () => compile(counter, { mode: 'eager', precision: 'float32' });
const feeds = { times: int32([], [3]), more: float32([2, 2], [1, 2, 3, 4]) };

describe('eager program', () => {
  beforeAll(() => testBackend());

  test('variables begin as zeros, keep their updates, and only what is fetched comes back', async () => {
    const p = await program();
    p.write([['step', float32([2], [10, 20])]]);
    expect(await p.run('add', feeds)).toEqual({});
    const { next, old } = await p.run('add', feeds, ['next', 'old']);
    expect([...old!.data]).toEqual([34, 66]);
    expect([...next!.data]).toEqual([68, 132]);
    expect([...(await p.read(['total'])).get('total')!.data]).toEqual([68, 132]);
    p.dispose();
  });

  test('an array may be reused after write', async () => {
    const p = await program();
    const data = Float32Array.from([1, 2]);
    p.write([['step', float32([2], data)]]);
    data.fill(7);
    expect([...(await p.read(['step'])).get('step')!.data]).toEqual([1, 2]);
    p.dispose();
  });

  test('bfloat16 is widened exactly, held as float32', async () => {
    const p = await program();
    p.write([['step', bfloat16([2], Uint16Array.of(0x3f80, 0xc049))]]);
    expect([...(await p.read(['step'])).get('step')!.data]).toEqual([1, -3.140625]);
    expect(p.holds('step')).toBe('float32');
    p.dispose();
  });

  test('a group with one wrong value sets nothing', async () => {
    const p = await program();
    const wrong = ['total', int32([2], [1, 2])] as const;
    expect(() => p.write([['step', float32([2], [1, 2])], wrong])).toThrow(
      'total: expected float32 [2], got int32 [2]',
    );
    expect([...(await p.read(['step'])).get('step')!.data]).toEqual([0, 0]);
    p.dispose();
  });

  test('calls leave nothing behind, and dispose frees every variable', async () => {
    const before = tf.memory().numTensors;
    const p = await program();
    await p.run('add', feeds, ['next']);
    const after = tf.memory().numTensors;
    for (let i = 0; i < 5; i++) await p.run('add', feeds, ['old']);
    expect(tf.memory().numTensors).toBe(after);
    p.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });

  test.each([
    ['an input that was not fed', { times: feeds.times }, 'add: the input more was not fed'],
    ['a wrong shape', { ...feeds, more: float32([3], [1, 2, 3]) }, 'add: more must be float32 [?,2], got float32 [3]'],
    ['a wrong type', { ...feeds, times: float32([], [3]) }, 'add: times must be int32 [], got float32 []'],
    ['an unknown input', { ...feeds, extra: feeds.times }, 'add has no input extra'],
  ])('refuses %s', async (_what, wrong, message) => {
    const p = await program();
    await expect(p.run('add', wrong as typeof feeds)).rejects.toThrow(message);
    p.dispose();
  });

  test('refuses an unknown entry, output or variable, a wrong value, and the update of a frozen variable', async () => {
    const p = await program();
    await expect(p.run('sub', {})).rejects.toThrow('no entry sub; there are add, thaw');
    await expect(p.run('add', feeds, ['sum'])).rejects.toThrow('add has no output sum; it has next, old');
    await expect(p.run('thaw', {})).rejects.toThrow('thaw updates step, which is frozen');
    expect(() => p.write([['other', float32([], [1])]])).toThrow('no variable other');
    expect(() => p.write([['step', float32([1], [1])]])).toThrow('step: expected float32 [2], got float32 [1]');
    p.dispose();
  });

  test('parts of a program must not define the same name', () => {
    expect(() => joinSpecs(counter, counter)).toThrow('two parts of a program define the variable total');
  });
});

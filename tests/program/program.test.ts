import { beforeAll, describe, expect, test } from 'vitest';
import { nativeBackend } from '../../src/backend/raw/native-op.js';
import * as tf from '../../src/backend/tf.js';
import { bfloat16, float32, int32 } from '../../src/core/host-tensor.js';
import { compile } from '../../src/program/compile.js';
import type { CompileOptions } from '../../src/program/compile-options.js';
import { joinSpecs, type Program, type ProgramSpec } from '../../src/program/program.js';
import { nativeOnly, testBackend } from '../helpers/backend.js';

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
  },
};
const feeds = { times: int32([], [3]), more: float32([2, 2], [1, 2, 3, 4]) };

const MODES: readonly CompileOptions[] = [
  { mode: 'eager', precision: 'float32' },
  { mode: 'captured', precision: 'float32' },
  { mode: 'captured', precision: 'bfloat16' },
  { mode: 'captured', precision: 'bfloat16', compile: 'parts' },
];

const elementsOf = async (program: Program, name: string) => [...(await program.read([name])).get(name)!.data];
/** Tensors of TensorFlow.js, and handles in the native library, which it does not count when they are lost. */
const alive = () => ({
  tensors: tf.memory().numTensors,
  handles: (nativeBackend().binding as unknown as { getNumOfTensors?(): number } | undefined)?.getNumOfTensors?.(),
});

beforeAll(() => testBackend());

describe.each(MODES)('$mode $precision, compiled: $compile', (options) => {
  const testHere = options.mode === 'eager' ? test : nativeOnly;
  const open = (spec = counter) => compile(spec, options);

  testHere('variables begin as zeros, keep their updates, and only what is fetched comes back', async () => {
    const p = await open();
    p.write([['step', float32([2], [10, 20])]]);
    expect(await p.run('add', feeds)).toEqual({});
    const { next, old } = await p.run('add', feeds, ['next', 'old']);
    expect([...old!.data]).toEqual([34, 66]);
    expect([...next!.data]).toEqual([68, 132]);
    expect(await elementsOf(p, 'total')).toEqual([68, 132]);
    p.dispose();
  });

  testHere('a shape that comes unforeseen finds the variables as they were', async () => {
    const p = await open();
    p.write([['step', float32([2], [10, 20])]]);
    await p.run('add', feeds);
    const three = { ...feeds, more: float32([3, 2], [1, 1, 1, 1, 1, 1]) };
    expect([...(await p.run('add', three, ['next'])).next!.data]).toEqual([67, 129]);
    expect([...(await p.run('add', feeds, ['next'])).next!.data]).toEqual([101, 195]);
    expect(await elementsOf(p, 'step')).toEqual([10, 20]);
    p.dispose();
  });

  testHere('an array may be reused after write', async () => {
    const p = await open();
    const data = Float32Array.from([1, 2]);
    p.write([['step', float32([2], data)]]);
    data.fill(7);
    expect(await elementsOf(p, 'step')).toEqual([1, 2]);
    p.dispose();
  });

  testHere('bfloat16 is widened exactly, a vector is held as float32', async () => {
    const p = await open();
    p.write([['step', bfloat16([2], Uint16Array.of(0x3f80, 0xc049))]]);
    expect(await elementsOf(p, 'step')).toEqual([1, -3.140625]);
    expect(p.holds('step')).toBe('float32');
    p.dispose();
  });

  testHere('a group with one wrong value sets nothing', async () => {
    const p = await open();
    const wrong = ['total', int32([2], [1, 2])] as const;
    expect(() => p.write([['step', float32([2], [1, 2])], wrong])).toThrow(
      'total: expected float32 [2], got int32 [2]',
    );
    expect(await elementsOf(p, 'step')).toEqual([0, 0]);
    p.dispose();
  });

  testHere('calls leave nothing behind, and dispose frees every variable', async () => {
    const before = alive();
    const p = await open();
    await p.run('add', feeds, ['next']);
    await p.read(['total', 'step']);
    const after = alive();
    for (let i = 0; i < 5; i++) await p.run('add', feeds, i % 2 === 0 ? ['old'] : []);
    p.write([['step', float32([2], [1, 2])]]);
    expect(alive()).toEqual(after);
    p.dispose();
    expect(alive()).toEqual(before);
  });

  describe('a call that is refused says why, changes nothing and leaves nothing behind', () => {
    const refusals: readonly (readonly [string, string, object, string[], string])[] = [
      ['an unknown entry', 'sub', {}, [], 'no entry sub; there are add'],
      ['an input that was not fed', 'add', { times: feeds.times }, [], 'add: the input more was not fed'],
      [
        'a wrong shape',
        'add',
        { ...feeds, more: float32([3], [1, 2, 3]) },
        [],
        'add: more must be float32 [?,2], got float32 [3]',
      ],
      ['a wrong type', 'add', { ...feeds, times: float32([], [3]) }, [], 'add: times must be int32 [], got float32 []'],
      ['an unknown input', 'add', { ...feeds, extra: feeds.times }, [], 'add has no input extra; it has times,more'],
      ['an unknown output', 'add', feeds, ['next', 'sum'], 'add has no output sum; it has next, old'],
    ];
    for (const [what, entry, wrong, fetches, message] of refusals)
      testHere(what, async () => {
        const p = await open();
        await p.run('add', feeds, ['next']);
        const before = alive();
        await expect(p.run(entry, wrong as typeof feeds, fetches)).rejects.toThrow(message);
        expect(alive()).toEqual(before);
        expect(await elementsOf(p, 'total')).toEqual([4, 6]);
        p.dispose();
      });
  });

  testHere('refuses an unknown variable and a wrong value', async () => {
    const p = await open();
    expect(() => p.write([['other', float32([], [1])]])).toThrow('no variable other in this program');
    expect(() => p.write([['step', float32([1], [1])]])).toThrow('step: expected float32 [2], got float32 [1]');
    await expect(p.read(['total', 'other'])).rejects.toThrow('no variable other in this program');
    p.dispose();
  });

  describe('an entry that changes a variable as it must not is refused, and changes nothing', () => {
    const total = (x: tf.Tensor) => ({ outputs: {}, updates: { total: x } });
    const wrong: readonly (readonly [string, ProgramSpec['entries'][string]['run'], string])[] = [
      [
        'a frozen one',
        ({ step, total }) => ({ outputs: {}, updates: { total: tf.add(total!, 1), step: tf.add(step!, 1) } }),
        'wrong updates step, which is frozen',
      ],
      ['another shape', ({ step }) => total(tf.reshape(step!, [1, 2])), 'the update of total must be float32 [2]'],
      ['another type', ({ step }) => total(tf.cast(step!, 'int32')), 'must be float32 [2], got int32 [2]'],
      ['one that is not there', ({ step }) => ({ outputs: {}, updates: { sum: step! } }), 'no variable sum'],
    ];
    for (const [what, run, message] of wrong)
      testHere(what, async () => {
        const before = alive();
        const call = async () => {
          const p = await open({ ...counter, entries: { ...counter.entries, wrong: { inputs: {}, run } } });
          try {
            await p.run('add', feeds);
            const between = alive();
            await expect(p.run('wrong', {})).rejects.toThrow(message);
            expect(alive()).toEqual(between);
            expect(await elementsOf(p, 'total')).toEqual([4, 6]);
          } finally {
            p.dispose();
          }
        };
        // What needs no shape to be named is recorded, and refused, when the program is made.
        if (options.mode === 'captured') await expect(call()).rejects.toThrow(message);
        else await call();
        expect(alive()).toEqual(before);
      });
  });

  testHere('after dispose it says that it is gone, and may be disposed of again', async () => {
    const p = await open();
    await p.run('add', feeds);
    p.dispose();
    const gone = 'this program was disposed of: it has no variables any more';
    await expect(p.run('add', feeds)).rejects.toThrow(gone);
    await expect(p.read(['total'])).rejects.toThrow(gone);
    await expect(p.load((async function* () {})())).rejects.toThrow(gone);
    expect(() => p.write([])).toThrow(gone);
    p.dispose();
  });
});

test('eager computes in float32 only', async () => {
  const options = { mode: 'eager', precision: 'bfloat16' } as const;
  await expect(compile(counter, options)).rejects.toThrow('an eager program computes in float32 only');
});

test('parts of a program must not define the same name', () => {
  expect(() => joinSpecs(counter, counter)).toThrow('two parts of a program define the variable total');
});

describe('a shape that comes unforeseen', () => {
  type Calls = Record<string, (...args: unknown[]) => unknown>;
  /** Has the sessions that are opened meanwhile call other functions than the binding's. */
  async function withCalls(otherwise: (real: Calls) => Calls, work: () => Promise<void>): Promise<void> {
    const backend = nativeBackend() as unknown as { binding: Calls };
    const real = backend.binding;
    const copy = Object.fromEntries(Object.getOwnPropertyNames(real).map((name) => [name, real[name]!]));
    backend.binding = { ...copy, ...otherwise(real) };
    try {
      await work();
    } finally {
      backend.binding = real;
    }
  }
  /** What they call: sessions loaded, run (for what) and extended. */
  async function spying(work: (callsSince: () => string[]) => Promise<void>): Promise<void> {
    const calls: string[] = [];
    const spied = (real: Calls) =>
      Object.fromEntries(
        ['loadSavedModel', 'runSavedModel', 'deleteSavedModel', 'extendGraph'].map((name) => [
          name,
          (...args: unknown[]) => {
            calls.push(name === 'runSavedModel' ? `${name} ${args[3]}` : name);
            return real[name]!(...args);
          },
        ]),
      );
    await withCalls(spied, () => work(() => calls.splice(0)));
  }

  const matrix = { shape: [3, 8], dtype: 'float32', role: 'frozen', quantizable: true } as const;
  const weighted: ProgramSpec = {
    variables: { weights: matrix, total: { shape: [3], dtype: 'float32', role: 'state' } },
    entries: {
      use: {
        inputs: { x: { shape: [null, 8], dtype: 'float32' }, scale: { shape: [], dtype: 'float32' } },
        run({ weights, total }, { x, scale }) {
          const product = tf.sum(tf.exp(tf.mul(tf.matMul(x!, weights!, false, true), scale!)), 0);
          return { outputs: { product }, updates: { total: tf.add(total!, product) } };
        },
      },
    },
  };
  const scale = float32([], [0.5]);
  const rows = (n: number) => ({
    x: float32(
      [n, 8],
      Array.from({ length: 8 * n }, (_, i) => Math.sin(i)),
    ),
    scale,
  });
  const weights = float32(
    [3, 8],
    Array.from({ length: 24 }, (_, i) => Math.cos(i)),
  );
  // A NaN of a payload, the smallest of all numbers and a zero below zero: bits that no computing gives.
  const strange = float32([3], new Float32Array(Uint32Array.of(0x7fc12345, 1, 0x80000000).buffer));
  const bits = async (program: Program, name: string) => {
    const { data } = (await program.read([name])).get(name)!;
    return [...new Uint32Array(data.buffer, data.byteOffset, data.length)];
  };

  for (const options of [
    ...MODES.filter(({ mode }) => mode === 'captured'),
    { mode: 'captured', precision: 'bfloat16', compile: 'whole' },
    { mode: 'captured', precision: 'bfloat16', compile: 'parts', loadIn8bit: true },
  ] as const satisfies readonly CompileOptions[])
    nativeOnly(`is added to the loaded session, and no variable moves: ${JSON.stringify(options)}`, () =>
      spying(async (callsSince) => {
        const shapes = (n: number) => ({ x: [n, 8], scale: [] });
        const [grown, whole] = await Promise.all(
          [[2], [2, 5, 4]].map((all) => compile(weighted, { ...options, shapes: { use: all.map(shapes) } })),
        );
        const both = [grown!, whole!];
        const run = async (program: Program, n: number) => [
          ...(await program.run('use', rows(n), ['product'])).product!.data,
        ];
        for (const program of both) program.write([['weights', weights]]);
        expect(await run(grown!, 2)).toEqual(await run(whole!, 2));
        grown!.write([['total', strange]]);
        const before = { weights: await bits(grown!, 'weights'), total: await bits(grown!, 'total'), alive: alive() };
        callsSince();
        await expect(grown!.run('use', rows(5), ['none'])).rejects.toThrow('none');
        expect(callsSince()).toEqual(['extendGraph']);
        for (const name of ['weights', 'total'] as const) expect(await bits(grown!, name)).toEqual(before[name]);
        for (const program of both) program.write([['total', float32([3], [1, 2, 3])]]);
        callsSince();
        for (const n of [5, 4, 5]) await run(grown!, n);
        const asked = [1, 2, 1].map((entry) => `runSavedModel e${entry}.out.product:0`);
        expect(callsSince()).toEqual([asked[0], 'extendGraph', asked[1], asked[2]]);
        for (const n of [5, 4, 5]) await run(whole!, n);
        expect(await bits(grown!, 'total')).toEqual(await bits(whole!, 'total'));
        expect(await bits(grown!, 'weights')).toEqual(before.weights);
        expect(alive()).toEqual(before.alive);
        for (const program of both) program.dispose();
      }),
    );

  nativeOnly('that cannot be added is refused, and may come again', async () => {
    let refused = false;
    const once = (real: Calls): Calls => ({
      extendGraph(...args) {
        if (refused) return real.extendGraph!(...args);
        refused = true;
        throw new Error('refused');
      },
    });
    await withCalls(once, async () => {
      const program = await compile(counter, { mode: 'captured', precision: 'float32' });
      await program.run('add', feeds);
      const three = { ...feeds, more: float32([3, 2], [1, 1, 1, 1, 1, 1]) };
      await expect(program.run('add', three)).rejects.toThrow('refused');
      expect([...(await program.run('add', three, ['next'])).next!.data]).toEqual([7, 9]);
      program.dispose();
    });
  });
});

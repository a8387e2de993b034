import { beforeAll, describe, expect, test } from 'vitest';
import type { CompileOptions } from '../../../src/program/compile-options.js';
import { nativeOnly, testBackend } from '../../helpers/backend.js';
import { DISTURBANCE, DRAWS, expectBfloat16, expectFloat32 } from './agreement.js';
import { type Case, cases } from './cases.js';
import { disturbing, type Played, playAgain, playThrough } from './play.js';

const EAGER = { mode: 'eager', precision: 'float32' } as const;
const MODES: readonly CompileOptions[] = [
  { mode: 'captured', precision: 'float32' },
  { mode: 'captured', precision: 'float32', xla: true },
  { mode: 'captured', precision: 'bfloat16' },
  { mode: 'captured', precision: 'bfloat16', xla: true },
];
const ALL = cases();

/** How far what float32 computes once a call or a row (losses, norms, chosen tokens) may be off between compiled and not. */
const COMPILED = 1e-6;

/** XLA takes a tenth of a second for each loop: it compiles all entries of the first case, and a step of the others. */
const calledWith = (xla: boolean, made: Case, { call }: Played): boolean =>
  !xla || made === ALL[0] || call.entry === 'trainStep';

test('the cases call every entry that there is', () => {
  for (const { spec, calls } of ALL)
    expect(new Set(calls.map(({ entry }) => entry))).toEqual(new Set(Object.keys(spec.entries)));
});

describe.each(ALL)('$name', (made) => {
  let reference: readonly Played[];
  let disturbed: readonly (readonly Played[])[];
  beforeAll(async () => {
    await testBackend();
    reference = await playThrough(made, EAGER);
    const draws: Played[][] = [];
    for (let seed = 0; seed < DRAWS; seed++)
      draws.push(await playAgain(made, EAGER, reference, disturbing(made, DISTURBANCE, seed)));
    disturbed = draws;
  });

  const runs = new Map<CompileOptions, Promise<readonly Played[]>>();
  const called = ({ xla = false }: CompileOptions) => reference.filter((played) => calledWith(xla, made, played));
  /** The calls in a mode, made once. */
  const run = (options: CompileOptions): Promise<readonly Played[]> => {
    const playing = runs.get(options) ?? playAgain(made, options, called(options));
    runs.set(options, playing);
    return playing;
  };

  for (const options of MODES) {
    const { precision, xla = false } = options;
    nativeOnly(
      `captured ${precision}${xla ? ', compiled,' : ''} gives and changes what eager float32 does`,
      async () => {
        const wanted = called(options);
        for (const [i, played] of (await run(options)).entries()) {
          const at = reference.indexOf(wanted[i]!);
          if (precision === 'float32') expectFloat32(made, played, wanted[i]!);
          else
            expectBfloat16(
              made,
              played,
              wanted[i]!,
              disturbed.map((draw) => draw[at]!),
            );
        }
      },
      240_000,
    );
  }

  const expectHeld = ({ call, before, after }: Played) => {
    for (const [name, value] of after)
      if (name.endsWith('.grad'))
        expect(
          value.data.every((x) => x === 0),
          `${call.entry} ${name}`,
        ).toBe(true);
      else expect(value, `${call.entry} ${name}`).toEqual(before.get(name));
  };

  test('eager: a step that is held back changes nothing, and tells loss and norm', () => {
    const held = reference.filter(({ call }) => call.held);
    expect(held.map(({ outputs }) => Object.keys(outputs))).toEqual([['loss', 'gradNorm'], ['gradNorm']]);
    for (const played of held) {
      expectHeld(played);
      for (const { data } of Object.values(played.outputs)) expect(data[0]).toBeGreaterThan(0.01);
    }
  });

  for (const options of MODES)
    nativeOnly(
      `captured ${options.precision}${options.xla ? ', compiled' : ''}: a step that is held back changes nothing`,
      async () => {
        const held = (await run(options)).filter(({ call }) => call.held);
        expect(held.length).toBeGreaterThan(0);
        held.forEach(expectHeld);
      },
      240_000,
    );

  nativeOnly(
    'losses, norms and tokens are the same compiled and not',
    async () => {
      const [plain, compiled] = (await Promise.all(MODES.slice(0, 2).map(run))) as [Played[], Played[]];
      let compared = 0;
      for (const { call, outputs } of compiled) {
        const same = plain[reference.findIndex((played) => played.call === call)]!;
        for (const [name, { shape, data }] of Object.entries(outputs)) {
          if (shape.length > 1) continue;
          for (const [i, value] of data.entries()) {
            const other = same.outputs[name]!.data[i]!;
            expect(Math.abs(value - other), `${call.entry} ${name} ${i}`).toBeLessThanOrEqual(
              COMPILED * Math.abs(other),
            );
            compared++;
          }
        }
      }
      expect(compared).toBeGreaterThan(0);
    },
    240_000,
  );
});

import { beforeAll, describe, expect, test } from 'vitest';
import type { CompileOptions } from '../../../src/program/compile-options.js';
import { nativeOnly, testBackend } from '../../helpers/backend.js';
import { DISTURBANCE, expectBfloat16, expectFloat32, FACTOR, float32Disturbance } from './agreement.js';
import { type Case, cases } from './cases.js';
import { type Played, playAgain, playDisturbed, playThrough } from './play.js';

const EAGER = { mode: 'eager', precision: 'float32' } as const;
const MODES: readonly CompileOptions[] = [
  { mode: 'captured', precision: 'float32' },
  { mode: 'captured', precision: 'float32', compile: 'parts' },
  { mode: 'captured', precision: 'bfloat16' },
  { mode: 'captured', precision: 'bfloat16', compile: 'parts' },
  { mode: 'captured', precision: 'float32', kernels: true },
  { mode: 'captured', precision: 'bfloat16', kernels: true },
  { mode: 'captured', precision: 'float32', compile: 'whole' },
  { mode: 'captured', precision: 'bfloat16', compile: 'whole' },
];
const ALL = cases();

/** XLA takes a tenth of a second for each loop: it compiles all entries of the first case, and a step of the others. */
const calledWith = (compile: CompileOptions['compile'], made: Case, { call }: Played): boolean =>
  compile === 'none' || made === ALL[0] || call.entry === 'trainStep';

/** What is computed once a call or a row: losses, norms, chosen tokens. */
function* small(_: Case, { outputs }: Played) {
  for (const [name, value] of Object.entries(outputs)) if (value.shape.length <= 1) yield [name, value] as const;
}

test('the cases call every entry that there is', () => {
  for (const { spec, calls } of ALL)
    expect(new Set(calls.map(({ entry }) => entry))).toEqual(new Set(Object.keys(spec.entries)));
});

describe.each(ALL)('$name', (made) => {
  let reference: readonly Played[];
  /** The reference disturbed as each precision does it, some draws of every call. */
  let disturbed: Record<CompileOptions['precision'] | 'wider', Played[][]>;
  beforeAll(async () => {
    await testBackend();
    reference = await playThrough(made, EAGER);
    disturbed = {
      float32: await playDisturbed(made, reference, float32Disturbance(made)),
      bfloat16: await playDisturbed(made, reference, DISTURBANCE),
      wider: await playDisturbed(made, reference, FACTOR * DISTURBANCE),
    };
  });

  const runs = new Map<CompileOptions, Promise<readonly Played[]>>();
  const called = ({ compile = 'none' }: CompileOptions) =>
    reference.filter((played) => calledWith(compile, made, played));
  /** The calls in a mode, made once. */
  const run = (options: CompileOptions): Promise<readonly Played[]> => {
    const playing = runs.get(options) ?? playAgain(made, options, called(options));
    runs.set(options, playing);
    return playing;
  };

  for (const options of MODES) {
    const { precision, compile = 'none', kernels = false } = options;
    const how = kernels ? 'with kernels' : `compiled: ${compile}`;
    nativeOnly(`captured ${precision}, ${how}, gives and changes what eager float32 does`, async () => {
      const wanted = called(options);
      for (const [i, played] of (await run(options)).entries()) {
        const at = reference.indexOf(wanted[i]!);
        if (precision === 'float32') expectFloat32(made, played, wanted[i]!, disturbed.float32[at]!);
        else expectBfloat16(made, played, wanted[i]!, disturbed.bfloat16[at]!, disturbed.wider[at]);
      }
    });
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
      `captured ${options.precision}, compiled: ${options.compile ?? 'none'}: a step that is held back changes nothing`,
      async () => {
        const held = (await run(options)).filter(({ call }) => call.held);
        expect(held.length).toBeGreaterThan(0);
        held.forEach(expectHeld);
      },
    );

  for (const how of ['parts', 'whole'])
    nativeOnly(`losses, norms and tokens are the same compiled (${how}) and not`, async () => {
      const modes = [undefined, how].map(
        (compile) => MODES.find((mode) => mode.precision === 'float32' && mode.compile === compile)!,
      );
      const [plain, compiled] = (await Promise.all(modes.map(run))) as [Played[], Played[]];
      let compared = 0;
      for (const played of compiled) {
        const at = reference.findIndex(({ call }) => call === played.call);
        expectFloat32(made, played, plain[at]!, disturbed.float32[at]!, { compared: small });
        compared += [...small(made, played)].length;
      }
      expect(compared).toBeGreaterThan(0);
    });
});

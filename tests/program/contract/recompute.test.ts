import { beforeAll, describe } from 'vitest';
import type { CompileOptions } from '../../../src/program/compile-options.js';
import { nativeOnly, testBackend } from '../../helpers/backend.js';
import { DISTURBANCE, expectBfloat16, expectFloat32, float32Disturbance } from './agreement.js';
import { type Case, cases } from './cases.js';
import { type Played, playAgain, playDisturbed, playThrough } from './play.js';

const EAGER = { mode: 'eager', precision: 'float32' } as const;
/** With kernels of ours the processor has an op for it. */
const MODES: readonly CompileOptions[] = (['none', 'parts', 'whole'] as const).flatMap((compile) =>
  (['float32', 'bfloat16'] as const).flatMap((precision) =>
    (compile === 'whole' ? [false] : [false, true]).map((kernels) => ({
      mode: 'captured',
      precision,
      compile,
      kernels,
    })),
  ),
);

/** What attends over a line's own keys, with a gradient and without. */
const ENTRIES: ReadonlySet<string> = new Set(['trainStep', 'evalLoss']);

/** The same cases: packed rows, a window, grouped queries, layers that are run twice. */
const RECOMPUTED = cases('recompute');

describe.each(cases().map((made, i) => [made.name, made, RECOMPUTED[i]!] as const))('%s', (_name, kept, recomputed) => {
  // XLA takes its time: it compiles a step of the case that has most of what attention can have.
  const compiles = (compile: CompileOptions['compile']) => compile === 'none' || recomputed === RECOMPUTED[1];
  const called = ({ compile = 'none' }: CompileOptions, played: readonly Played[]) =>
    played.filter(({ call }) => ENTRIES.has(call.entry) && (compile === 'none' || call.entry === 'trainStep'));
  let reference: readonly Played[];
  let disturbed: Record<CompileOptions['precision'], Played[][]>;
  beforeAll(async () => {
    await testBackend();
    reference = called({ ...EAGER, compile: 'none' }, await playThrough(kept, EAGER));
    disturbed = {
      float32: await playDisturbed(kept, reference, float32Disturbance(kept)),
      bfloat16: await playDisturbed(kept, reference, DISTURBANCE),
    };
  });

  for (const options of MODES.filter(({ compile }) => compiles(compile)))
    nativeOnly(
      `${options.precision}, compiled: ${options.compile}${options.kernels ? ', with kernels' : ''}: what eager float32 does with kept ones`,
      async () => {
        const wanted = called(options, reference);
        const played = await playAgain(recomputed satisfies Case, options, wanted);
        for (const [i, each] of played.entries()) {
          const at = reference.indexOf(wanted[i]!);
          if (options.precision === 'float32') expectFloat32(kept, each, wanted[i]!, disturbed.float32[at]!);
          else expectBfloat16(kept, each, wanted[i]!, disturbed.bfloat16[at]!);
        }
      },
    );
});

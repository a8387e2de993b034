import { PhasetuneError, usageError, wordError } from '../../../core/errors.js';
import { describePrecision } from '../../../program/products/describe.js';
import { formatBytes } from '../../../telemetry/format.js';
import { setUp } from '../../../workflow/machine.js';
import { showBars } from '../../bars.js';
import type { Run } from '../../command.js';
import type { command } from './options.js';

/** See {@link command}. */
export const run: Run<typeof command> = async ({ cpu, cuda, pack, from }, context) => {
  if (cpu && cuda) throw usageError('expected --cpu or --cuda, got both: run setup twice to have both');
  const { logger, progress, signal } = context;
  const device = cpu ? 'cpu' : cuda ? 'cuda' : 'auto';
  try {
    const result = await setUp({ device, pack, from }, { logger, signal, onProgress: showBars(progress) });
    context.print(`${result.made ? 'set up' : 'already set up'}: TensorFlow for ${result.device} in ${result.home}`);
    if (result.precision) context.print(`precision: ${describePrecision(result.precision)}`);
    if (result.packed)
      context.print(
        `packed: ${result.packed.file}, ${formatBytes(result.packed.bytes)}; install it with \`phasetune setup --from\``,
      );
    return { backend: 'tensorflow', ...result };
  } catch (error) {
    if (device !== 'auto' || pack || from || !(error instanceof PhasetuneError) || error.code !== 'backend')
      throw error;
    const problem = wordError(error, context.vocabulary);
    logger.warn(problem);
    context.print(
      'WASM will be used instead, which computes many times slower: fix the above and run `phasetune setup` again',
    );
    return { backend: 'wasm', device: 'wasm', made: false, problem };
  }
};

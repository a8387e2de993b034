import { loadBackend } from '../../../backend/load.js';
import { benchStep as measure } from '../../../bench/step.js';
import { formatNumber } from '../../../telemetry/format.js';
import type { Run } from '../../command.js';
import type { command } from './options.js';

/** See {@link command}. */
export const run: Run<typeof command> = async (
  { device, ...options },
  { print, logger, progress, verbose, signal },
) => {
  const backend = await loadBackend({ device, logger, verbose });
  const bar = progress({
    label: options.shape,
    total: options.steps,
    unit: 'steps',
  });
  const figures = await measure(backend, options, { onStep: bar.update, signal }).finally(() => bar.finish());
  print(
    `${figures.seconds.toFixed(3)} s a step, ${formatNumber(figures.tokens_per_s)} tokens/s, ` +
      `${Math.round(100 * figures.peak_share)} % of the matrix product's ${formatNumber(figures.matmul_gflops)} GFLOP/s, ` +
      `at most ${formatNumber(figures.peak_rss_mib)} MiB`,
  );
  return { ...options, device: backend.device, tensorflow: backend.version, ...figures };
};

import { loadBackend } from '../../../backend/load.js';
import { benchTrain as measure } from '../../../bench/train.js';
import { formatDuration, formatNumber } from '../../../telemetry/format.js';
import type { Run } from '../../command.js';
import type { command } from './options.js';

/** See {@link command}. */
export const run: Run<typeof command> = async (
  { device, ...options },
  { print, logger, progress, verbose, signal },
) => {
  const backend = await loadBackend({ device, logger, verbose });
  let bar: ReturnType<typeof progress> | undefined;
  const onStep = (done: number, note: string, total: number) => {
    bar ??= progress({ label: options.shape, total, unit: 'steps' });
    bar.update(done, note);
  };
  const figures = await measure(backend, options, { onStep, signal, logger }).finally(() => bar?.finish());
  print(
    `${figures.rows} rows in ${formatDuration(figures.seconds)}: ${formatNumber(figures.answer_tokens_per_s)} answer tokens/s, ` +
      `${formatNumber(figures.tokens_per_s)} tokens/s, at most ${formatNumber(figures.peak_rss_mib)} MiB`,
  );
  return { ...options, device: backend.device, tensorflow: backend.version, ...figures };
};

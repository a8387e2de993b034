import { loadBackend } from '../../../backend/load.js';
import { benchDecode as measure } from '../../../bench/decode.js';
import { formatDuration, formatNumber } from '../../../telemetry/format.js';
import type { Run } from '../../command.js';
import type { command } from './options.js';

/** See {@link command}. */
export const run: Run<typeof command> = async (
  { device, ...options },
  { print, logger, progress, verbose, signal },
) => {
  const backend = await loadBackend({ device, logger, verbose });
  const { shape, repeats } = options;
  const bar = progress({ label: shape, total: repeats + 1, unit: 'rounds' });
  const figures = await measure(backend, options, { onStep: bar.update, signal }).finally(() => bar.finish());
  const { ms_per_token, weights_gbps, read_share } = figures;
  const reading =
    ms_per_token === null
      ? ''
      : `${formatNumber(ms_per_token)} ms a token, weights at ${formatNumber(weights_gbps!)} GB/s ` +
        `(${Math.round(100 * read_share!)} % of a streaming read), `;
  print(
    `${options.rows} answers in ${formatDuration(figures.seconds)}: ${formatNumber(figures.tokens_per_s)} tokens/s, ` +
      `${reading}at most ${formatNumber(figures.peak_rss_mib)} MiB`,
  );
  return { ...options, device: backend.device, tensorflow: backend.version, ...figures };
};

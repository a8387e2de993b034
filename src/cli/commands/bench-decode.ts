import { deviceOption } from '../../backend/options.js';
import { decodeBenchOptions } from '../../bench/options.js';
import { defineCommand } from '../command.js';

/** `phasetune bench decode`: how fast answers are written. */
export const benchDecode = defineCommand({
  command: 'bench decode',
  describe: 'time the writing of answers on random weights and prompts',
  schema: decodeBenchOptions.extend({ device: deviceOption }),
  examples: [['phasetune bench decode --rows 16 --prompt 64 --tokens 128 --json', 'SmolLM2-135M, 16 answers together']],
  onlyPrints: () => true,
  async run({ device, ...options }, { print, logger, progress, verbose, signal }) {
    const { loadBackend } = await import('../../backend/load.js');
    const { benchDecode: measure } = await import('../../bench/decode.js');
    const { formatDuration, formatNumber } = await import('../../telemetry/format.js');
    const backend = await loadBackend({ device, logger, verbose });
    const { shape, repeats } = options;
    const bar = progress({ label: shape, total: repeats + 1, unit: 'rounds' });
    const figures = await measure(backend, options, { onStep: bar.update, signal }).finally(() => bar.finish());
    print(
      `${options.rows} answers in ${formatDuration(figures.seconds)}: ${formatNumber(figures.tokens_per_s)} tokens/s, ` +
        `at most ${formatNumber(figures.peak_rss_mib)} MiB`,
    );
    return { ...options, device: backend.device, tensorflow: backend.version, ...figures };
  },
});

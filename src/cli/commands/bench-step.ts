import { deviceOption } from '../../backend/options.js';
import { stepBenchOptions } from '../../bench/options.js';
import { defineCommand } from '../command.js';

/** `phasetune bench step`: how fast a training step is. */
export const benchStep = defineCommand({
  command: 'bench step',
  describe: 'time a LoRA step on random weights and tokens: speed, memory, share of the matrix product',
  schema: stepBenchOptions.extend({ device: deviceOption }),
  examples: [
    ['phasetune bench step --json', 'SmolLM2-135M, 4 rows of 256 tokens'],
    ['phasetune bench step --shape small-33m --batch 8 --seq 512', 'another model, another batch'],
  ],
  onlyPrints: () => true,
  async run({ device, ...options }, { print, logger, progress, verbose, signal }) {
    const { loadBackend } = await import('../../backend/load.js');
    const { benchStep: measure } = await import('../../bench/step.js');
    const { formatNumber } = await import('../../telemetry/format.js');
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
  },
});

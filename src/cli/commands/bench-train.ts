import { deviceOption } from '../../backend/options.js';
import { trainBenchOptions } from '../../bench/options.js';
import { defineCommand } from '../command.js';

/** `phasetune bench train`: how fast rows are trained, from end to end. */
export const benchTrain = defineCommand({
  command: 'bench train',
  describe: 'time an epoch over real rows, from building the program to the last step, on random weights',
  schema: trainBenchOptions.extend({ device: deviceOption }),
  examples: [
    ['phasetune bench train --tokenizer MODEL --data rows.jsonl --rows 96 --json', 'as the trainer does it by default'],
    ['phasetune bench train --tokenizer MODEL --data rows.jsonl --shape tiny-10m --rows 10000', 'many rows'],
  ],
  onlyPrints: () => true,
  async run({ device, ...options }, { print, logger, progress, verbose, signal }) {
    const { loadBackend } = await import('../../backend/load.js');
    const { benchTrain: measure } = await import('../../bench/train.js');
    const { formatDuration, formatNumber } = await import('../../telemetry/format.js');
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
  },
});

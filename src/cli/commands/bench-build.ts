import { deviceOption } from '../../backend/options.js';
import { buildBenchOptions } from '../../bench/options.js';
import { defineCommand } from '../command.js';

/** `phasetune bench build`: what comes before the first step. */
export const benchBuild = defineCommand({
  command: 'bench build',
  describe: 'time the recording and building of all entries, and the first call of each',
  schema: buildBenchOptions.extend({ device: deviceOption }),
  examples: [['phasetune bench build --json', 'training, held-out loss and decoding of SmolLM2-135M in one program']],
  onlyPrints: () => true,
  async run({ device, ...options }, { print, logger, verbose, signal }) {
    const { loadBackend } = await import('../../backend/load.js');
    const { benchBuild: measure } = await import('../../bench/build.js');
    const { formatNumber } = await import('../../telemetry/format.js');
    const backend = await loadBackend({ device, logger, verbose });
    const figures = await measure(backend, options, { signal });
    print(`recorded and built in ${figures.build_seconds} s and ${formatNumber(figures.build_rss_mib)} MiB`);
    for (const [name, { first_seconds, second_seconds }] of Object.entries(figures.calls))
      print(`${name.replaceAll('_', ' ')}: first ${first_seconds} s, then ${second_seconds} s`);
    return { ...options, device: backend.device, tensorflow: backend.version, ...figures };
  },
});

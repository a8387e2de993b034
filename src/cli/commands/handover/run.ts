import { handOver } from '../../../handover/hand-over.js';
import type { HandoverRecord } from '../../../handover/handover-record.js';
import { formatCounted } from '../../../telemetry/format.js';
import type { TaskProgress } from '../../../workflow/hooks.js';
import type { CommandContext, Run } from '../../command.js';
import type { command } from './options.js';

/** See {@link command}. */
export const run: Run<typeof command> = async (options, { logger, signal, print, progress }) => {
  let bar: ReturnType<CommandContext['progress']> | undefined;
  const onProgress = ({ label, done, total, ended }: TaskProgress) => {
    bar ??= progress({ label, total, unit: 'rows' });
    bar.update(done);
    if (ended) bar.finish();
  };
  const { folder, record, files, warnings } = await handOver(options, { logger, signal, onProgress }).finally(() =>
    bar?.finish(),
  );
  for (const warning of warnings) logger.warn(warning);
  for (const line of describe(record)) print(line);
  print(`written to ${folder}; now: pip install -r ${folder}/requirements.txt, then bash ${folder}/run.sh`);
  const { engine, training, stages, differences } = record;
  return { folder, engine, files: [...files], training, stages, differences, warnings: [...warnings] };
};

function describe({ stages, training, differences }: HandoverRecord): string[] {
  const { processes, rowsPerProcess, accumulation, rowsPerStep } = training;
  return [
    ...stages.map(
      ({ stage, label, steps, trainedTokens, planned, filled }) =>
        `stage ${stage} (${label}): ${formatCounted(steps, 'step')}, ${formatCounted(planned.rows, 'row')}, ${formatCounted(trainedTokens, 'trained token')}${filled > 0 ? `, ${formatCounted(filled, 'line')} that only fill` : ''}`,
    ),
    `a step has ${formatCounted(rowsPerStep, 'line')}: ${processes} (processes) x ${rowsPerProcess} (at one time) x ${accumulation} (before the update)`,
    'what the engine does otherwise:',
    ...differences.map((sentence) => `  ${sentence}`),
  ];
}

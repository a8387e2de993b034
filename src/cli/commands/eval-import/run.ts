import { formatCount, formatCounted } from '../../../telemetry/format.js';
import { importEvaluation } from '../../../workflow/eval-import.js';
import type { Run } from '../../command.js';
import type { command } from './options.js';

/** See {@link command}. */
export const run: Run<typeof command> = async (options, { print }) => {
  const imported = await importEvaluation(options);
  const { out, baseline, arms, judges, rows, answers, verdicts, missing } = imported;
  print(`${formatCounted(rows, 'row')}, ${formatCounted(answers, 'answer')} of ${[baseline, ...arms].join(', ')}`);
  if (verdicts > 0)
    print(
      `${formatCounted(verdicts, 'verdict')} of ${judges.join(', ')}, of which ${formatCount(missing)} are missing`,
    );
  print(`written to ${out}; then: phasetune eval ${verdicts > 0 ? 'report' : 'judge'} ${out}`);
  return { ...imported, arms: [...arms], judges: [...judges] };
};

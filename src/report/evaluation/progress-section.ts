import type { Vocabulary } from '../../core/remedies.js';
import { formatCount, formatCounted } from '../../telemetry/format.js';
import type { PageBlock, Section } from '../page.js';
import { tableOf } from '../page-blocks.js';
import { commandText } from '../parts/command-text.js';
import type { EvaluationReport } from './read-evaluation-report.js';

/** How far an evaluation without a result is: who answered and judged what, and what comes next. */
export function progressSection(report: EvaluationReport, vocabulary: Vocabulary): Section {
  const { answered, judged, file, folder } = report;
  const answers = answered.map(({ arm, run, set, answered: done, rows }) => [
    arm,
    String(run),
    set,
    formatCount(done),
    formatCount(rows),
  ]);
  const verdicts = judged.map(({ judge, arm, judged: done, missing, pairs }) => [
    file.judges[judge]!.control ? `${judge} (control)` : judge,
    arm,
    formatCount(done),
    formatCount(missing),
    formatCount(pairs),
  ]);
  const { text, next } = stateOf(report);
  const code: PageBlock[] =
    next === undefined ? [] : [{ kind: 'code', text: commandText(vocabulary.task(next, { folder })) }];
  return {
    id: 'answer',
    title: 'No verdict yet',
    blocks: [
      { kind: 'note', tone: 'warning', text },
      ...code,
      tableOf([['arm', 'run', 'set', 'answered', 'of'], ...answers], 3, 'Answers'),
      ...(verdicts.length > 0
        ? [tableOf([['judge', 'arm', 'verdicts', 'missing', 'of'], ...verdicts], 2, 'Verdicts')]
        : []),
    ],
  };
}

function stateOf({ outdated, rows, answered, judged, file }: EvaluationReport): {
  readonly text: string;
  readonly next?: 'eval judge' | 'eval report';
} {
  const open = answered.reduce((sum, { answered: done, rows: all }) => sum + Math.max(0, all - done), 0);
  if (rows === 0) return { text: 'There are no answers yet.' };
  if (outdated)
    return {
      text: 'Answers or verdicts have changed since the result was computed, so it says nothing about them. Compute it again:',
      next: 'eval report',
    };
  if (Object.keys(file.arms).length === 1)
    return { text: `${file.baseline} is the only arm, and there is nothing to compare it with.` };
  if (open > 0)
    return { text: `${formatCounted(open, 'answer')} of the arms are missing: no verdict before all have answered.` };
  if (judged.length === 0) return { text: 'All arms have answered, and nobody has judged. Next:', next: 'eval judge' };
  return { text: 'There are verdicts, and no result has been computed from them. Next:', next: 'eval report' };
}

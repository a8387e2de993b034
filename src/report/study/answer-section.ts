import { groupBy } from '../../core/lists.js';
import { formatCount, formatCounted } from '../../telemetry/format.js';
import type { PageBlock, Section } from '../page.js';
import type { StudyReport } from './read-study-report.js';

/** The answer about each arm in a sentence, or how far the study is. */
export function answerSection({ results, final, coordinator, record, cells }: StudyReport): Section {
  const { comparisons, warnings, blocks } = results;
  const first: PageBlock[] = final
    ? comparisons.map(({ sentence }) => ({ kind: 'note', tone: 'answer', text: sentence }) as const)
    : [{ kind: 'note', tone: 'answer', text: unfinished(blocks) }];
  const runner: PageBlock[] = coordinator
    ? [
        {
          kind: 'paragraph',
          text: `The study is running, in process ${coordinator.pid} on ${coordinator.host} since ${coordinator.since}.`,
        },
      ]
    : [];
  const notes = notesOf(final ? comparisons : []);
  return {
    id: 'answer',
    title: 'Answer',
    blocks: [
      ...first,
      ...runner,
      ...(final ? warnings : warnings.slice(1)).map((text) => ({ kind: 'note', tone: 'warning', text }) as const),
      ...(notes.length > 0 ? [{ kind: 'list', items: notes } as const] : []),
      { kind: 'paragraph', text: about(record, cells.length, blocks) },
    ],
  };
}

const unfinished = ({ complete, planned }: StudyReport['results']['blocks']): string =>
  `${formatCount(complete)} of ${formatCounted(planned, 'block')} complete: there is no verdict before the end.`;

/** Every note once, with the arms that it is about. */
function notesOf(comparisons: StudyReport['results']['comparisons']): string[] {
  const all = comparisons.flatMap(({ arm, notes }) => notes.map((note) => ({ arm, note })));
  return [...groupBy(all, ({ note }) => note)].map(
    ([note, about]) => `${[...new Set(about.map(({ arm }) => arm))].join(', ')}: ${note}`,
  );
}

/** What was compared. */
function about(
  { analysis, budget, extended }: StudyReport['record'],
  cells: number,
  blocks: { planned: number },
): string {
  const margin = analysis.margin === null ? 'no margin' : `a margin of ${analysis.margin} ${analysis.unit}`;
  const fixed = extended.length === 0 ? ' All of it was fixed before the first run.' : '';
  return `Measured: ${analysis.metric} in ${analysis.unit}, ${analysis.better} is better; ${formatCounted(cells, 'cell')} in ${formatCounted(blocks.planned, 'block')}, each trained on about ${formatCount(budget)} tokens; alpha ${analysis.alpha}, ${margin}.${fixed}`;
}

import { PROGRAM, type Vocabulary } from '../../core/remedies.js';
import { formatCount, formatDuration, formatNumber } from '../../telemetry/format.js';
import type { Page, PageBlock, Section } from '../page.js';
import { bandSentences, matrixFigure, matrixOfRun } from '../parts/matrix.js';
import { folderName } from '../parts/shown.js';
import { engineText } from './engine.js';
import { eventsSection } from './events-section.js';
import { lossSections } from './loss-sections.js';
import { methodSection } from './method-section.js';
import type { RunReport } from './read-run-report.js';
import { runState } from './state.js';
import { runValues, valuesSection } from './values.js';

/**
 * The page of a run: what it was and what came of it. The same report gives the same page.
 *
 * @param vocabulary names tasks and options in the commands that the page shows.
 *
 * @example
 * const html = renderPage(runPage(await readRunReport('checkpoints/first')));
 */
export function runPage(report: RunReport, vocabulary: Vocabulary = PROGRAM): Page {
  const { folder, run } = report;
  return {
    title: `Run ${folderName(folder)}`,
    subtitle: `${run.order}, seed ${run.seed}; ${run.inputs.model.path} on ${run.inputs.data.path}`,
    sections: [
      answerSection(report),
      ...matrixSection(report),
      ...lossSections(report),
      eventsSection(report),
      methodSection(report, vocabulary),
      valuesSection(report),
    ],
    data: runValues(report),
  };
}

function answerSection(report: RunReport): Section {
  const { run } = report;
  const { tone, sentence } = runState(report);
  const bands = run.matrix ? bandSentences(run.matrix) : [];
  const blocks: PageBlock[] = [
    { kind: 'note', tone: tone === 'bad' ? 'error' : 'answer', text: sentence },
    ...(bands.length > 0 ? [{ kind: 'list', items: bands } as const] : []),
    ...(run.matrix ? [] : [{ kind: 'paragraph', text: unmeasured(run) } as const]),
    { kind: 'facts', facts: factsOf(report) },
  ];
  return { id: 'answer', title: 'What came of it', blocks };
}

const unmeasured = ({ trainedBy }: RunReport['run']): string =>
  trainedBy ? 'No held-out loss was measured.' : 'No rows are held out, so no held-out loss was measured.';

function factsOf({ folder, run, history }: RunReport): (readonly [string, string])[] {
  const { stages, seconds, trainingSeconds, tokensPerSecond, adapter, started, finished, trainedBy } = run;
  const planned = stages.reduce((sum, stage) => sum + stage.trainedTokens, 0);
  const optional = (name: string, value: string | undefined) => (value === undefined ? [] : [[name, value] as const]);
  return [
    ['folder', folder],
    ['trained tokens', `${formatCount(history.trainedTokens)} of ${formatCount(planned)} planned`],
    ['begun', started],
    ...optional('ended', finished),
    ...optional('time', seconds === undefined ? undefined : formatDuration(seconds)),
    ...optional('of it in steps', trainingSeconds === undefined ? undefined : formatDuration(trainingSeconds)),
    ...optional('speed', tokensPerSecond === undefined ? undefined : `${formatNumber(tokensPerSecond)} tokens/s`),
    ...optional('adapter', adapter && `${adapter.path}, SHA-256 ${adapter.sha256}`),
    ...optional('trained by', trainedBy && engineText(trainedBy)),
  ];
}

function matrixSection({ run: { matrix } }: RunReport): Section[] {
  if (!matrix || matrix.rows.length === 0) return [];
  return [
    {
      id: 'matrix',
      title: 'What each stage taught, and what it cost',
      blocks: [
        {
          kind: 'paragraph',
          text: 'The loss on held-out rows of each band of difficulty, before training and after each stage. Lower is better.',
        },
        { kind: 'figure', figure: matrixFigure(matrixOfRun(matrix)) },
      ],
    },
  ];
}

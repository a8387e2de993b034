import { shownName, showSome } from '../../core/shown.js';
import { formatCount, formatCounted, formatDuration, formatNumber } from '../../telemetry/format.js';
import type { StageOrigin } from '../../train/events.js';
import type { RunFile } from '../../train/run-file.js';
import type { PageBlock, Section } from '../page.js';
import { shownLoss } from '../parts/shown.js';
import type { RunReport } from './read-run-report.js';
import { runTimeline } from './timeline.js';

const CONSEQUENCES = {
  stop: 'the run stopped',
  skip: 'the step was skipped',
  rollback: 'the run went back to the last checkpoint and left out the steps since then',
} as const;

/** Stages, checkpoints, and what did not go as planned: resumes and spikes. */
export function eventsSection(report: RunReport): Section {
  const { run, history } = report;
  const resumed = run.resumed ?? [];
  return {
    id: 'events',
    title: 'How it went',
    blocks: [
      { kind: 'paragraph', text: summary(run, history.spikes.length) },
      ...resumed.map(
        ({ time, from, changes }): PageBlock => ({
          kind: 'paragraph',
          text: `Resumed at ${time} ${from ? `from ${from.path}` : 'from scratch, as there was no checkpoint yet'}${changes.length > 0 ? `, although something had changed: ${changes.join('; ')}` : ''}.`,
        }),
      ),
      ...history.spikes.map(
        ({ stage, step, action, loss, lossLimit, rows }): PageBlock => ({
          kind: 'note',
          tone: 'warning',
          text: `Step ${step}, in stage ${stage}: the loss was ${shownLoss(loss)} where at most ${shownLoss(lossLimit)} was expected, so ${CONSEQUENCES[action]}. Rows of that step: ${showSome(
            rows.map((id) => shownName(id, 60)),
            5,
          )}.`,
        }),
      ),
      ...runTimeline(report).map((figure) => ({ kind: 'figure', figure }) as const),
      { kind: 'table', caption: 'Stages', left: 2, rows: stageRows(run) },
      ...checkpointBlocks(history.checkpoints),
    ],
  };
}

function summary({ resumed = [] }: RunFile, spikes: number): string {
  const parts = [
    resumed.length === 0 ? 'It was never resumed' : `It was resumed ${formatCounted(resumed.length, 'time')}`,
    spikes === 0 ? 'no step had a loss that spiked' : `${formatCounted(spikes, 'step')} had a loss that spiked`,
  ];
  return `${parts.join(', and ')}.`;
}

function stageRows({ stages }: RunFile): string[][] {
  return [
    ['stage', 'rows of', 'rows', 'replayed', 'steps', 'skipped', 'trained tokens', 'begins from', 'time', 'tokens/s'],
    ...stages.map((stage) => [
      String(stage.stage),
      stage.label,
      formatCount(stage.rows),
      formatCount(stage.replayed),
      formatCount(stage.steps),
      formatCount(stage.skipped?.length ?? 0),
      formatCount(stage.trainedTokens),
      originText(stage.origin),
      stage.seconds === undefined ? '-' : formatDuration(stage.seconds),
      stage.tokensPerSecond === undefined ? '-' : formatNumber(stage.tokensPerSecond),
    ]),
  ];
}

function originText(origin: Pick<StageOrigin, 'from' | 'path' | 'merged'> | undefined): string {
  if (!origin) return '-';
  const place = origin.path === undefined ? origin.from : origin.path;
  return origin.merged ? `${place}, merged` : place;
}

function checkpointBlocks(checkpoints: RunReport['history']['checkpoints']): PageBlock[] {
  if (checkpoints.length === 0) return [];
  const rows = checkpoints.map(({ time, stage, step, kind, path }) => [path, kind, String(stage), String(step), time]);
  return [
    {
      kind: 'details',
      summary: `Checkpoints that were written (${formatCount(checkpoints.length)})`,
      blocks: [{ kind: 'table', left: 2, rows: [['folder', 'why', 'stage', 'step of the run', 'time'], ...rows] }],
    },
  ];
}

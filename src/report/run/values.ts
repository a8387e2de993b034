import type { Section } from '../page.js';
import { brief } from '../parts/shown.js';
import { everyNth } from '../parts/thin.js';
import type { RunReport } from './read-run-report.js';

/** Steps whose values are in the page. */
const MOST_STEPS = 2000;

/** Every value of a run's page as data, curves as columns. */
export function runValues({ run, history }: RunReport): Readonly<Record<string, unknown>> {
  const steps = everyNth(history.steps, MOST_STEPS);
  const { start: _, ...rest } = history;
  return {
    schema: 'phasetune/run-page',
    version: 1,
    run,
    trainedTokens: rest.trainedTokens,
    heldOut: rest.heldOut,
    steps: {
      of: history.steps.length,
      stage: steps.map(({ stage }) => stage),
      step: steps.map(({ step }) => step),
      trainedTokens: steps.map(({ trainedTokens }) => trainedTokens),
      loss: steps.map(({ loss }) => brief(loss)),
      learningRate: steps.map(({ learningRate }) => brief(learningRate)),
      gradNorm: steps.map(({ gradNorm }) => brief(gradNorm)),
      tokensPerSecond: steps.map(({ tokensPerSecond }) => brief(tokensPerSecond)),
    },
    spikes: rest.spikes,
    checkpoints: rest.checkpoints,
  };
}

/** Where all values are. */
export function valuesSection({ folder }: RunReport): Section {
  return {
    id: 'values',
    title: 'All values',
    blocks: [
      {
        kind: 'paragraph',
        text: `The tables above have every value that is drawn. The same values are in this file as JSON, in the element with the id page-data, and in run.json and events.jsonl of ${folder}.`,
      },
    ],
  };
}

import type { Recipe } from '../config/recipe.js';
import { usageError } from '../core/errors.js';
import type { StagePlan } from '../train/run-plan.js';

/** An option that an engine cannot follow, what it would have to do, and the value with which it can. */
interface Refused {
  readonly option: string;
  readonly value: string;
  readonly why: string;
  readonly instead: string | boolean;
  readonly stage?: number;
}

/** Throws a usage error for the first option of a run that no engine carries over as it is meant. */
export function refuseOptions(recipe: Recipe, stages: readonly Pick<StagePlan, 'stage' | 'options'>[]): void {
  const refused = [...stages.slice(1).flatMap(ofStage), ...ofRun(recipe)][0];
  if (!refused) return;
  const { option, value, why, instead, stage } = refused;
  throw usageError(
    `${stage === undefined ? '' : `stage ${stage}: `}\`${option}: ${value}\` cannot be handed over: ${why}`,
    {
      option,
      ...(stage !== undefined && { stage }),
      remedies: [{ option, change: 'set', value: instead, note: 'or train it with `train`' }],
    },
  );
}

function ofStage({ stage, options }: Pick<StagePlan, 'stage' | 'options'>): Refused[] {
  const { start, optimizer, adapter } = options;
  const refused: (Refused | false)[] = [
    start === 'previous-best' && {
      option: 'start',
      value: start,
      why: 'an engine keeps the end of a stage only, and measures no held-out loss of ours on the way',
      instead: 'previous-end',
    },
    start === 'base' && {
      option: 'start',
      value: start,
      why: 'every stage of a handover starts from the adapter of the stage before',
      instead: 'previous-end',
    },
    optimizer === 'carried' && {
      option: 'optimizer',
      value: optimizer,
      why: 'an engine starts every stage with new moments of AdamW',
      instead: 'fresh',
    },
    adapter === 'merged' && {
      option: 'adapter',
      value: adapter,
      why: 'an engine reads the base model as it is on the disk, without the adapters of earlier stages in it',
      instead: 'continued',
    },
  ];
  return refused.filter((each) => each !== false).map((each) => ({ ...each, stage }));
}

function ofRun({ onSpike, loadIn8bit, loadIn4bit }: Recipe): Refused[] {
  const bits = (option: string) => ({
    option,
    value: 'true',
    why: "an engine's rounded weights are others than ours, so that the adapter would fit another base",
    instead: false,
  });
  return [
    ...(onSpike === 'stop'
      ? []
      : [
          {
            option: 'onSpike',
            value: onSpike,
            why: 'an engine applies every step, so that rows which we would skip would be trained',
            instead: 'stop',
          },
        ]),
    ...(loadIn8bit ? [bits('loadIn8bit')] : []),
    ...(loadIn4bit ? [bits('loadIn4bit')] : []),
  ];
}

import { groupBy } from '../core/lists.js';
import { blockOf, type Cell, groupOf } from './cell.js';
import type { CellState } from './state.js';
import type { Study } from './study-record.js';

/** What evaluations read of a cell. */
export type EvaluatedCell = Pick<Cell, 'id' | 'arm' | 'axes' | 'seed' | 'split'>;

/** An arm of an evaluation: its runs, one for each block. */
export interface EvaluatedArm {
  readonly arm: string;
  /** As many as the control has, and of the same blocks in the same order. */
  readonly cells: readonly EvaluatedCell[];
}

/** An evaluation of a study: arms with the control's cells of the same blocks. */
export interface StudyEvaluation {
  /** Its folder's name under `evals/`. */
  readonly name: string;
  readonly control: EvaluatedArm;
  readonly arms: readonly EvaluatedArm[];
}

/**
 * The evaluations that the done cells of a study make: one for each combination of the axes, with the control as
 * baseline. Run k of an arm is compared with run k of the control, so an arm that misses a block of the control has an
 * evaluation of its own, with the control's cells of the blocks that it has.
 *
 * @param states of the cells, in their order.
 */
export function evaluationsOf(
  { cells, record }: { readonly cells: readonly EvaluatedCell[]; readonly record: Pick<Study['record'], 'study'> },
  states: readonly Pick<CellState, 'state'>[],
): StudyEvaluation[] {
  const done = cells.filter((_, i) => states[i]!.state === 'done');
  return [...groupBy(done, groupOf).values()].flatMap((group) => evaluationsOfGroup(group, record.study.control));
}

function evaluationsOfGroup(group: readonly EvaluatedCell[], control: string): StudyEvaluation[] {
  const byArm = groupBy(group, ({ arm }) => arm);
  const controls = byArm.get(control) ?? [];
  byArm.delete(control);
  // Values of axes are names without `_` and `+`.
  const name = Object.values(group[0]!.axes).join('_') || 'all';
  const [whole, partial]: [EvaluatedArm[], EvaluatedArm[]] = [[], []];
  for (const [arm, own] of byArm) {
    const ofBlock = new Map(own.map((cell) => [blockOf(cell), cell]));
    const paired = controls.flatMap((cell) => ofBlock.get(blockOf(cell)) ?? []);
    if (paired.length > 0) (paired.length === controls.length ? whole : partial).push({ arm, cells: paired });
  }
  const evaluations: StudyEvaluation[] = partial.map((one) => {
    const blocks = new Set(one.cells.map(blockOf));
    const cells = controls.filter((cell) => blocks.has(blockOf(cell)));
    return { name: `${name}+${one.arm}`, control: { arm: control, cells }, arms: [one] };
  });
  if (whole.length > 0) evaluations.unshift({ name, control: { arm: control, cells: controls }, arms: whole });
  return evaluations;
}

import type { Recipe } from '../config/recipe.js';
import type { HandoverRecord } from './handover-record.js';

/** What every engine does otherwise than `train`, a sentence each. */
export function differencesOf(recipe: Recipe, { training }: Pick<HandoverRecord, 'training'>): string[] {
  const { lora, evalEvery, memoryLimit } = recipe;
  const said: (string | false)[] = [
    training.precision === 'bfloat16' &&
      "Products are in bfloat16 by torch's kernels, and the base model's weights are held in bfloat16: results differ from those of `train` by rounding.",
    lora.dropout > 0 && `Dropout (${lora.dropout}) draws other inputs than \`train\` does.`,
    'A loss that is not finite ends the stage; a loss that jumps is trained, where `train` stops.',
    'A stage that was interrupted starts again from its beginning: there are no checkpoints within it.',
    evalEvery > 0 && 'The held-out loss is measured at the end of each stage only, whatever `evalEvery` says.',
    memoryLimit !== undefined && `The memory limit of ${memoryLimit} is not kept.`,
  ];
  return said.filter((sentence) => sentence !== false);
}

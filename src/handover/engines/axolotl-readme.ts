import type { HandoverRecord } from '../handover-record.js';

const stageLine = ({
  stage,
  label,
  steps,
  trainedTokens,
  filled,
  schedule,
}: HandoverRecord['stages'][number]): string =>
  `| ${stage} | ${label} | ${steps} | ${trainedTokens} | ${filled} | ${schedule.learningRate} (${schedule.kind}, ${schedule.warmupSteps} steps of warm-up) |`;

/** README.md of a handover to Axolotl. */
export function readmeOf(
  { source, recipe, inputs, training, stages, differences, holdout }: HandoverRecord,
  version: string,
): string {
  const { processes, rowsPerProcess, accumulation, rowsPerStep, precision, attention } = training;
  const lora = recipe.lora as { readonly rank: number; readonly alpha: number };
  return `# A training in ${stages.length} stages, for Axolotl

Made by \`phasetune handover\` from the ${source.kind} ${source.path}. The base model is ${inputs.model.path}. Tested with Axolotl ${version}.

    bash run.sh
    phasetune handover check .
    phasetune handover import . --out RUN

\`run.sh\` trains stage after stage, each from the adapter of the stage before. Started again, it continues with the first
stage that is not done. Where the model is elsewhere: \`bash run.sh --base-model FOLDER\`.

| stage | rows | steps | trained tokens | lines that fill | learning rate |
|---|---|---|---|---|---|
${stages.map(stageLine).join('\n')}

A step has ${rowsPerStep} lines: ${processes} × ${rowsPerProcess} × ${accumulation} (processes, rows that each computes at one time, passes
before the update). Precision ${precision}, attention ${attention}, LoRA of rank ${lora.rank} and alpha ${lora.alpha}.

## What is here

| file | what it is |
|---|---|
| handover.json | the plan, and all that decides what comes of it |
| rows/stage-N.jsonl | tokens and labels of every row in the order of training, all passes |
| rows/stage-N.list.jsonl | which row of the set each of these lines is, in which step |
${holdout ? '| rows/held-out.jsonl | the rows that are held out; not trained |\n' : ''}| adapter-0 | the adapter that \`phasetune train\` would begin with |
| stage-N.yaml | Axolotl's configuration of a stage |
| phasetune_axolotl.py | a plugin of Axolotl, which the configurations name: see below |

## The plugin

Axolotl takes the mean of each pass of a step and averages these means. Where passes have different numbers of trained
tokens, that is not the mean over the step, and where a pass has only lines that fill, it is not a number. Axolotl also
makes two steps of one step of warm-up, and a stage that is interrupted leaves an adapter that looks whole. The plugin
makes the loss the mean over all trained tokens of the step, sets the learning rate of every step, checks rows and adapter
before the training, and writes \`stage-N.json\`, without which no stage counts as trained.

## What is the same, and what is not

The same as in \`phasetune train\`: tokens, labels, the rows of every optimizer step and their order, the first adapter,
learning rates, AdamW's constants, clipping, and the loss of a step.
A step with fewer rows than ${rowsPerStep} is filled with lines of which nothing is trained; no row is repeated or left out.

Different:

${differences.map((sentence) => `- ${sentence}`).join('\n')}
`;
}

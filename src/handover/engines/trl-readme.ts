import type { HandoverRecord } from '../handover-record.js';
import { ACCELERATE, defaultConfig } from './accelerate.js';

const stageLine = ({
  stage,
  label,
  steps,
  trainedTokens,
  filled,
  schedule,
}: HandoverRecord['stages'][number]): string =>
  `| ${stage} | ${label} | ${steps} | ${trainedTokens} | ${filled} | ${schedule.learningRate} (${schedule.kind}, ${schedule.warmupSteps} steps of warm-up) |`;

/** README.md of a handover to TRL. */
export function readmeOf({ source, recipe, inputs, training, stages, differences, holdout }: HandoverRecord): string {
  const { processes, rowsPerProcess, accumulation, rowsPerStep, precision, attention } = training;
  const lora = recipe.lora as { readonly rank: number; readonly alpha: number };
  return `# A training in ${stages.length} stages, for TRL

Made by \`phasetune handover\` from the ${source.kind} ${source.path}. The base model is ${inputs.model.path}.

    pip install -r requirements.txt
    bash run.sh
    phasetune handover check .
    phasetune handover import . --out RUN

\`run.sh\` trains stage after stage with \`train.py\`, each from the adapter of the stage before. Started again, it continues
with the first stage that is not done. Where the model is elsewhere: \`bash run.sh --model FOLDER\`.

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
${holdout ? '| rows/held-out.jsonl | the rows that are held out; they are measured, not trained |\n' : ''}| adapter-0 | the adapter that \`phasetune train\` would begin with |
| train.py | trains one stage; everything that TRL would decide by itself is decided there |
| requirements.txt | the versions that were tested together |
| ${ACCELERATE.ONE} | one process |
| ${ACCELERATE.COPIES} | a copy of the model on each of ${processes} GPUs |
| ${ACCELERATE.FSDP2} | the model divided among ${processes} GPUs |
| ${ACCELERATE.ZERO3} | DeepSpeed ZeRO-3: **not verified** |

\`run.sh\` takes ${defaultConfig(training)} unless \`ACCELERATE_CONFIG\` names another. A different number of processes works where it divides the
${rowsPerStep} lines of a step: change \`num_processes\`.

## What is the same, and what is not

The same as in \`phasetune train\`: tokens, labels, the rows of every optimizer step and their order, the first adapter, learning rates,
AdamW's constants, clipping, and the loss of a step, which is the mean over all its trained tokens on all processes.
A step with fewer rows than ${rowsPerStep} is filled with lines of which nothing is trained; no row is repeated or left out.

Different:

${differences.map((sentence) => `- ${sentence}`).join('\n')}
`;
}

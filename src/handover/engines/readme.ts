import type { HandoverRecord, HandoverStage } from '../handover-record.js';

/** What the README.md of a handover says that is not the same for every engine. */
export interface EngineReadme {
  /** What the engine calls itself. */
  readonly name: string;
  /** Its version that was tested, where nothing in the folder says so. */
  readonly tested?: string;
  /** Commands before `run.sh`. */
  readonly setup?: readonly string[];
  /** Option of `run.sh` for another folder of the model. */
  readonly modelOption: string;
  /** Files of the engine, and what each is. */
  readonly files: readonly (readonly [path: string, what: string])[];
  /** What follows the table of files. */
  readonly more: string;
}

const stageLine = ({ stage, label, steps, trainedTokens, filled, schedule }: HandoverStage): string =>
  `| ${stage} | ${label} | ${steps} | ${trainedTokens} | ${filled} | ${schedule.learningRate} (${schedule.kind}, ${schedule.warmupSteps} steps of warm-up) |`;

/**
 * README.md of a handover: what it is, how it is trained, what is in the folder, and what the
 * engine does otherwise.
 */
export function readmeOf(
  { source, recipe, inputs, training, stages, differences, holdout }: HandoverRecord,
  { name, tested, setup = [], modelOption, files, more }: EngineReadme,
): string {
  const { processes, rowsPerProcess, accumulation, rowsPerStep, precision, attention } = training;
  const lora = recipe.lora as { readonly rank: number; readonly alpha: number };
  const commands = [...setup, 'bash run.sh', 'phasetune handover check .', 'phasetune handover import . --out RUN'];
  const all: EngineReadme['files'] = [
    ['handover.json', 'the plan, and all that decides what comes of it'],
    ['rows/stage-N.jsonl', 'tokens and labels of every row in the order of training, all passes'],
    ['rows/stage-N.list.jsonl', 'which row of the set each of these lines is, in which step'],
    ...(holdout ? [['rows/held-out.jsonl', 'the rows that are held out; not trained'] as const] : []),
    ['adapter-0', 'the adapter that `phasetune train` would begin with'],
    ...files,
  ];
  return `# A training in ${stages.length} stages, for ${name}

Made by \`phasetune handover\` from the ${source.kind} ${source.path}. The base model is ${inputs.model.path}.${tested === undefined ? '' : ` Tested with ${name} ${tested}.`}

${commands.map((line) => `    ${line}`).join('\n')}

\`run.sh\` trains stage after stage, each from the adapter of the stage before. Started again, it continues with the first
stage that is not done. Where the model is elsewhere: \`bash run.sh ${modelOption} FOLDER\`.

| stage | rows | steps | trained tokens | lines that fill | learning rate |
|---|---|---|---|---|---|
${stages.map(stageLine).join('\n')}

A step has ${rowsPerStep} lines: ${processes} × ${rowsPerProcess} × ${accumulation} (processes, rows that each computes at one time, passes
before the update). Precision ${precision}, attention ${attention}, LoRA of rank ${lora.rank} and alpha ${lora.alpha}.

## What is here

| file | what it is |
|---|---|
${all.map(([path, what]) => `| ${path} | ${what} |`).join('\n')}

${more}

## What is the same, and what is not

The same as in \`phasetune train\`: tokens, labels, the rows of every optimizer step and their order, the first adapter, learning rates,
AdamW's constants, clipping, and the loss of a step, which is the mean over all its trained tokens on all processes.
A step with fewer rows than ${rowsPerStep} is filled with lines of which nothing is trained; no row is repeated or left out.

Different:

${differences.map((sentence) => `- ${sentence}`).join('\n')}
`;
}

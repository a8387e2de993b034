import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { resolveStaging, stagingOptionsSchema } from '../../src/curriculum/staging-options.js';
import { stageInto } from '../../src/curriculum/write.js';
import { importFile } from '../../src/data/import.js';
import { answerSets } from '../../src/workflow/eval-answer.js';
import type { AnswerSetsOptions } from '../../src/workflow/eval-answer-options.js';
import type { AnswerSetsResult } from '../../src/workflow/eval-answer-types.js';
import { train } from '../../src/workflow/train.js';
import { testBackend } from './backend.js';
import { temporaryFolder } from './folder.js';
import { ROOT } from './program.js';
import { writeTinyModel } from './tiny-model.js';

/** A model, what was trained on it, and what it is asked. */
export interface EvalHome {
  readonly home: string;
  /** A Llama of two layers. `run-1` and `run-2` are runs of three stages over it, which differ in the seed. */
  readonly model: string;
  /** Two sets: nine held-out rows of `staged`, and six instructions alone of `asked.json`. */
  readonly common: Pick<AnswerSetsOptions, 'sets' | 'maxTokens' | 'batch' | 'compile'>;
  /** A path in the folder. */
  at(...path: string[]): string;
  /** The model, both runs as one arm, and the first stage of one. */
  allArms(): string[];
  options(out: string, arms: readonly string[], more?: Partial<AnswerSetsOptions>): AnswerSetsOptions;
  answer(out: string, arms: readonly string[], more?: Partial<AnswerSetsOptions>): Promise<AnswerSetsResult>;
  /** Lines of a file in the folder. */
  linesOf<T>(...path: string[]): Promise<T[]>;
  /** All files of an evaluation besides its ledger and eval.json, by path. */
  written(out: string): Promise<Record<string, string>>;
  /** Keys in the ledger; a question that was answered twice would be there twice. */
  ledgerKeys(out: string): Promise<string[]>;
}

/** Makes one in a new folder. */
export async function evalHome(name: string): Promise<EvalHome> {
  const backend = await testBackend();
  const home = temporaryFolder(name);
  const at = (...path: string[]) => join(home, ...path);
  const model = await writeTinyModel(at('model'));
  const raw = join(ROOT, 'datasets/demo/raw.jsonl');
  const { records } = await importFile(raw, { format: 'auto', badRows: 'refuse' });
  const staging = stagingOptionsSchema.parse({ stages: 3, by: 'rows', holdout: 3, nearDuplicates: 0 });
  const input = { path: raw, import: { format: 'auto', badRows: 'refuse' } } as const;
  await stageInto(at('staged'), records.slice(0, 60), resolveStaging(staging), input);
  const asked = records.slice(60, 66).map(({ messages }) => ({ instruction: messages[0]!.content }));
  await writeFile(at('asked.json'), JSON.stringify(asked));
  const compile = backend.name === 'tensorflow' ? ({ compile: 'none' } as const) : {};
  const recipe = { model, data: at('staged'), steps: 2, batchRows: 4, optim: { learningRate: 0.3 }, ...compile };
  for (const seed of [1, 2]) await train({ ...recipe, out: at(`run-${seed}`), seed }).result;
  const common = { sets: [at('staged'), at('asked.json')], maxTokens: 5, batch: 4, ...compile };
  const options: EvalHome['options'] = (out, arms, more = {}) => ({
    ...common,
    arms: [...arms],
    out: at(out),
    ...more,
  });
  const linesOf = async <T>(...path: string[]): Promise<T[]> =>
    (await readFile(at(...path), 'utf8'))
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
  return {
    home,
    model,
    common,
    at,
    allArms: () => [`base=${model}`, `phased=${at('run-1')},${at('run-2')}`, `early=${at('run-1')}@stage-1`],
    options,
    answer: (out, arms, more) => answerSets(options(out, arms, more)).result,
    linesOf,
    written: (out) => written(at(out)),
    ledgerKeys: async (out) =>
      (await linesOf<{ key: string }>(out, 'answers.ledger.jsonl')).slice(1).map(({ key }) => key),
  };
}

async function written(out: string): Promise<Record<string, string>> {
  const files: Record<string, string> = {};
  for (const entry of await readdir(out, { withFileTypes: true, recursive: true })) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isFile() && !/^eval\.json$|ledger|\.lock/.test(entry.name))
      files[path.slice(out.length)] = await readFile(path, 'utf8');
  }
  return files;
}

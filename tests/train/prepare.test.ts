import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { recipeSchema } from '../../src/config/recipe.js';
import { resolveStaging, stagingOptionsSchema } from '../../src/curriculum/staging-options.js';
import { stageInto } from '../../src/curriculum/write.js';
import { loadTokenizer } from '../../src/tokenizer/tokenizer.js';
import { prepareRun } from '../../src/train/prepare.js';
import { writeTinyModel } from '../helpers/tiny-model.js';
import { TINY } from '../helpers/tokens.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'phasetune-prepare-'));
});
afterEach(() => rm(folder, { recursive: true }));

/** What preparing a run on these answers, one of them long, says about the model in the folder. */
async function warningsFor(answers: readonly string[]): Promise<readonly string[]> {
  const input = join(folder, 'rows.jsonl');
  await writeFile(input, 'rows');
  const rows = answers.map((content, i) => ({
    id: `r${i}`,
    score: 1 + (i % 3),
    messages: [
      { role: 'user' as const, content: `Question ${i}` },
      { role: 'assistant' as const, content },
    ],
  }));
  const plan = resolveStaging(
    stagingOptionsSchema.parse({ stages: 2, by: 'rows', holdout: 0, nearDuplicates: 0, seed: 1 }),
  );
  const data = join(folder, 'staged');
  await stageInto(data, rows, plan, { path: input, import: { format: 'auto', badRows: 'refuse' } });
  const recipe = recipeSchema.parse({ model: join(folder, 'model'), data, out: join(folder, 'run') });
  const { model, warnings } = await prepareRun(recipe);
  await model.close();
  return warnings;
}

const ANSWERS = ['one', 'two', 'three', 'four', 'five', 'word '.repeat(80).trim()];

test('nothing is said about a model and rows that fit', async () => {
  await writeTinyModel(join(folder, 'model'));
  expect(await warningsFor(ANSWERS)).toEqual([]);
});

test('rows longer than the model was made for and an end id that is an ordinary token are warned of', async () => {
  await writeTinyModel(join(folder, 'model'), undefined, { max_position_embeddings: 64 });
  const [id] = await (await loadTokenizer(TINY)).encode('#');
  await writeFile(join(folder, 'model', 'generation_config.json'), JSON.stringify({ eos_token_id: id }));
  expect(await warningsFor(ANSWERS)).toEqual([
    expect.stringContaining('is "#", an ordinary token'),
    expect.stringMatching(/^1 of 6 rows have more than the 64 tokens .*\(max_position_embeddings\), the longest \d+/),
  ]);
});

test('of a tokenizer with more tokens than the embedding only a row that holds one is refused, by its id', async () => {
  const { vocabSize } = await loadTokenizer(TINY);
  const model = await writeTinyModel(join(folder, 'model'), undefined, { vocab_size: vocabSize });
  const tokenizer = JSON.parse(await readFile(join(model, 'tokenizer.json'), 'utf8'));
  tokenizer.added_tokens.push({ ...tokenizer.added_tokens[0], id: vocabSize, content: '<pad>', special: false });
  await writeFile(join(model, 'tokenizer.json'), JSON.stringify(tokenizer));
  expect(await warningsFor(ANSWERS)).toEqual([expect.stringContaining(`the tokenizer has ${vocabSize + 1} tokens`)]);
  await rm(join(folder, 'staged'), { recursive: true });
  await expect(warningsFor([...ANSWERS, 'a <pad> b'])).rejects.toThrow(/^row r6: it holds the token "<pad>"/);
});

test('the time that a template prints is that of the run, whenever it is prepared again', async () => {
  const model = await writeTinyModel(join(folder, 'model'));
  await warningsFor(ANSWERS);
  const recipe = recipeSchema.parse({ model, data: join(folder, 'staged'), out: join(folder, 'run') });
  const prepared = async (templateTime?: string) => {
    const run = await prepareRun({ ...recipe, templateTime });
    await run.model.close();
    return { ids: [...run.plan.rows.values()].map(({ ids }) => [...ids]), time: run.templateTime };
  };
  expect((await prepared('2026-01-02T03:04')).time).toBeUndefined();
  const own = await readFile(join(model, 'chat_template.jinja'), 'utf8');
  await writeFile(join(model, 'chat_template.jinja'), `{{ strftime_now('%d %b %Y') }}${own}`);
  const first = await prepared();
  expect(first.time).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d$/);
  const fixed = await prepared('2026-01-02T03:04');
  expect(fixed).toEqual({ ids: expect.anything(), time: '2026-01-02T03:04' });
  expect(await prepared('2026-01-02T03:04')).toEqual(fixed);
  expect((await prepared('2026-01-03T03:04')).ids).not.toEqual(fixed.ids);
  expect((await prepared(first.time)).ids).toEqual(first.ids);
});

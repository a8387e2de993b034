import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { answerOptionsSchema, type ResolvedAnswerOptions } from '../../src/eval/answer-options.js';
import { openAnswering } from '../../src/eval/model/answering.js';
import { silentLogger } from '../../src/telemetry/logger.js';
import { loadTokenizer } from '../../src/tokenizer/tokenizer.js';
import { testBackend } from '../helpers/backend.js';
import { rewriteWeights } from '../helpers/rewrite-weights.js';
import { writeTinyModel } from '../helpers/tiny-model.js';
import { TINY } from '../helpers/tokens.js';

let folder: string;
beforeAll(() => testBackend());
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'phasetune-answer-'));
});
afterEach(() => rm(folder, { recursive: true }));

/** Answers of the model in the folder to what users say, and what is odd about it. */
async function ask(prompts: readonly string[], decoding: Partial<ResolvedAnswerOptions> = {}) {
  const warnings: string[] = [];
  const answering = await openAnswering(folder, {
    compile: { mode: 'eager', precision: 'float32' },
    logger: { ...silentLogger, warn: (warning) => warnings.push(warning) },
  });
  const conversations = prompts.map((content) => [{ role: 'user' as const, content }]);
  const { system: _, ...options } = answerOptionsSchema.parse({ batch: 4, maxTokens: 6, ...decoding });
  try {
    const texts: string[] = [];
    const tokens: number[] = [];
    for await (const { index, text, tokens: count } of answering.answer(conversations, options)) {
      texts[index] = text;
      tokens[index] = count;
    }
    return { texts, tokens, warnings };
  } finally {
    await answering.close();
  }
}

describe('a head with more rows than the tokenizer has tokens', () => {
  test.each([{ temperature: 0 }, { temperature: 1 }])(
    'its ids stand for no text, and all prompts are answered: %j',
    async (draws) => {
      const { vocabSize } = await loadTokenizer(TINY);
      const changes = { vocab_size: vocabSize + 40, tie_word_embeddings: false };
      await writeTinyModel(folder, undefined, changes);
      // Scores from -20 to 20 there, and of nearly 0 for the others.
      await rewriteWeights(folder, (tensors) => {
        const { data } = tensors.get('lm_head.weight')!;
        for (let i = 0; i < data.length; i++) data[i]! *= i < 16 * vocabSize ? 1e-3 : 20;
      });
      const { texts, tokens } = await ask(['Hello', 'Rivers and lakes'], draws);
      expect(texts).toEqual(['', '']);
      expect(tokens).toEqual([6, 6]);
    },
  );
});

describe('a tokenizer with a token more than the embedding has rows', () => {
  beforeEach(async () => {
    const { vocabSize } = await loadTokenizer(TINY);
    await writeTinyModel(folder, undefined, { vocab_size: vocabSize });
    const path = join(folder, 'tokenizer.json');
    const tokenizer = JSON.parse(await readFile(path, 'utf8'));
    const [added] = tokenizer.added_tokens;
    tokenizer.added_tokens.push({ ...added, id: vocabSize, content: '<pad>', special: false });
    await writeFile(path, JSON.stringify(tokenizer));
  });

  test('answers, with a warning', async () => {
    const { texts, warnings } = await ask(['Hello']);
    expect(texts).toHaveLength(1);
    expect(warnings).toEqual([expect.stringMatching(/the tokenizer has \d+ tokens, the embedding \d+ rows/)]);
  });

  test('a prompt that holds the token is refused by its place', async () => {
    await expect(ask(['Hello', 'a <pad> b'])).rejects.toThrow(/^prompt 2: it holds the token "<pad>" \(id \d+\)/);
  });
});

test('prompts that come to more tokens than the model was made for are warned of', async () => {
  await writeTinyModel(folder, undefined, { max_position_embeddings: 32 });
  const { warnings } = await ask(['Hi', 'x '.repeat(60)]);
  expect(warnings).toEqual([
    expect.stringMatching(
      /^1 of 2 prompts .* have more than the 32 tokens that .* was made for \(max_position_embeddings\)/,
    ),
  ]);
});

test('an end id that is an ordinary token is warned of', async () => {
  await writeTinyModel(folder);
  const [id] = await (await loadTokenizer(TINY)).encode('#');
  await writeFile(join(folder, 'generation_config.json'), JSON.stringify({ eos_token_id: id }));
  expect((await ask(['Hi'])).warnings).toEqual([expect.stringContaining('is "#", an ordinary token')]);
});

import { describe, expect, test } from 'vitest';
import type { EncodedRow } from '../../src/data/encoded.js';
import { encodePairs, type LossPair, lossScoreOf } from '../../src/scoring/ifd.js';
import type { LossOptions } from '../../src/scoring/loss-options.js';
import { loadTokenizer } from '../../src/tokenizer/tokenizer.js';
import { IFD_CASES, type IfdCase, pairOf } from '../helpers/ifd-cases.js';
import { TINY } from '../helpers/tokens.js';

const plain = ({ ids, mask, trained }: EncodedRow) => ({ ids: [...ids], mask: [...mask], trained });
const measured = (ids: readonly number[], first: number) => ({
  ids,
  mask: ids.map((_, t) => Number(t >= first)),
  trained: ids.length - first,
});
const OPTIONS: LossOptions = { lossScore: 'ifd', template: 'chat', maxLength: 1024, batchRows: 4 };
const row = (question: string, answer: string) => ({
  id: 'a',
  messages: [
    { role: 'user' as const, content: question },
    { role: 'assistant' as const, content: answer },
  ],
});

describe('the same tokens of an answer, given and alone, as by transformers and offsets', () => {
  const named = IFD_CASES.map((one) => [`${one.name}, ${one.template}`, one] as [string, IfdCase]);
  test.each(named)('%s', async (_name, one) => {
    const pair = await pairOf(one);
    if (!one.given) {
      expect(pair).toMatchObject({ kind: 'empty-answer' });
      return;
    }
    const { given, alone, truncated } = pair as LossPair;
    expect(plain(given)).toEqual(measured(one.given, one.first!));
    expect(plain(alone!)).toEqual(measured(one.alone!, one.start!));
    expect(truncated).toBe(one.name.startsWith('cut'));
  });

  test('in the order of the rows, many at a time', async () => {
    const tokenizer = await loadTokenizer(TINY);
    const rows = Array.from({ length: 70 }, (_, i) => ({ ...row(`${i}?`, i === 5 ? ' ' : `${i}!`), id: `r${i}` }));
    const pairs = await encodePairs(rows, tokenizer, OPTIONS);
    const ids = pairs.map((pair) => ('given' in pair ? pair.given.id : pair.kind));
    expect(ids).toEqual(rows.map(({ id }, i) => (i === 5 ? 'empty-answer' : id)));
  });
});

describe('what cannot be measured is told', () => {
  test('a question that fills all tokens', async () => {
    const tokenizer = await loadTokenizer(TINY);
    const [outcome] = await encodePairs([row('why? '.repeat(40), 'so')], tokenizer, { ...OPTIONS, maxLength: 16 });
    expect(outcome).toMatchObject({
      kind: 'prompt-too-long',
      reason: expect.stringMatching(
        /^what comes before the answer fills all 16 tokens; raise `maxLength` \(the row has \d+\)$/,
      ),
    });
  });

  test('nothing that an answer alone could stand behind', async () => {
    const { bos: _, eos: __, ...tokenizer } = await loadTokenizer(TINY);
    const renderChat: typeof tokenizer.renderChat = (messages) => {
      let text = '';
      const contents = messages.map(({ content }, message) => {
        const start = text.length;
        text += content;
        return { message, start, end: text.length };
      });
      return { text, contents, generated: [] };
    };
    const bare = { ...tokenizer, renderChat };
    const rows = [row('one', 'two')];
    await expect(encodePairs(rows, bare, OPTIONS)).rejects.toThrow(/there is nothing before an answer alone/);
    expect((await encodePairs(rows, bare, { ...OPTIONS, lossScore: 'answer' }))[0]).toHaveProperty('given');
  });
});

describe('a score', () => {
  const text = (trained: number): EncodedRow => ({ id: 'a', ids: new Int32Array(4), mask: new Uint8Array(4), trained });
  const pair: LossPair = { given: text(3), alone: text(3), truncated: false };

  test('is the ratio of the mean losses, which are told with it', () => {
    expect(lossScoreOf(pair, { given: 1.5, alone: 3 })).toEqual({
      score: 0.5,
      details: { loss: 1.5, lossAlone: 3, answerTokens: 3 },
    });
    expect(lossScoreOf({ ...pair, truncated: true }, { given: 3, alone: 2 })).toMatchObject({
      score: 1.5,
      details: { truncated: true },
    });
  });

  test('or the loss itself', () => {
    const { alone: _, ...given } = pair;
    expect(lossScoreOf(given, { given: 1.5 })).toEqual({ score: 1.5, details: { loss: 1.5, answerTokens: 3 } });
  });

  test.each([
    ['a loss that is no number', { given: Number.NaN, alone: 1 }],
    ['a loss alone of zero', { given: 1, alone: 0 }],
  ])('is missing for %s', (_what, loss) => {
    expect(lossScoreOf(pair, loss)).toMatchObject({ kind: 'no-finite-loss' });
  });
});

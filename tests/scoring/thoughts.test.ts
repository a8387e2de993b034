import { describe, expect, it } from 'vitest';
import type { TokenLogprob } from '../../src/endpoint/types.js';
import { expectedScore } from '../../src/scoring/expected.js';
import { resolveJudge, verdictOf } from '../../src/scoring/judge.js';
import { judgeOptionsSchema } from '../../src/scoring/judge-options.js';
import { parseReply } from '../../src/scoring/parse.js';
import { loadRubric } from '../../src/scoring/rubric.js';
import { spokenIn } from '../../src/scoring/thoughts.js';
import { expectLinear } from '../helpers/growth.js';

const FIVE = { min: 1, max: 5, whole: true };
const TEN = { min: 1, max: 10, whole: true };

/**
 * Thoughts that hold a score of 5, in the marks of each family of models, and what is left when the
 * server drops the opening one.
 */
const MARKED = {
  think: ['<think>Score: 5? {"score": 5} is too high.</think>', 'Score: 5? {"score": 5}</think>'],
  thinking: ['<thinking>\nScore: 5\n</thinking>\n\n', 'Score: 5 or 4?\n</thinking>\n\n'],
  'upper case': ['<THINK>Score: 5</THINK>', 'Score: 5?</THINK>'],
  Seed: ['<seed:think>Maybe {"score": 5}</seed:think>', 'Maybe {"score": 5} or 4?</seed:think>'],
  Magistral: ['[THINK]Score: 5? {"score": 5} is too high[/THINK]', 'Score: 5? {"score": 5}[/THINK]'],
  'Gemma, numbered': ['<unused94>thought\nMaybe 5.<unused95>', 'thought\nMaybe 5.<unused95>'],
  'Gemma, channel': ['<|channel>thought\nScore: 5\n<channel|>', 'Is it 5?\n<channel|>'],
  Kimi: ['◁think▷Score: 5◁/think▷', 'Is it 5?◁/think▷'],
  Command: ['<|START_THINKING|>Score: 5<|END_THINKING|><|START_RESPONSE|>', 'Is it 5?<|END_THINKING|>'],
  Apertus: ['<|inner_prefix|>Score: 5<|inner_suffix|>', 'Is it 5?<|inner_suffix|>'],
  'gpt-oss': [
    '<|channel|>analysis<|message|>Maybe {"score": 5}.<|end|><|start|>assistant<|channel|>final<|message|>',
    'Maybe {"score": 5}, or 4.<|end|><|start|>assistant<|channel|>final<|message|>',
  ],
  'gpt-oss, with a constraint': [
    '<|channel|>analysis<|message|>Score: 5<|end|><|start|>assistant<|channel|>final <|constrain|>json<|message|>',
    'Is it 5?<|end|><|start|>assistant<|channel|>final <|constrain|>json<|message|>',
  ],
  'gpt-oss, without special tokens': ['analysisMaybe 5. It is {"score": 5}.assistantfinal'],
} as const;
/** Where only the closing mark is left, a clear score before it counts as said: see below. */
const CASES = Object.entries(MARKED).flatMap(([name, texts]) => texts.map((text) => [name, text] as const));

describe('thoughts before a reply', () => {
  it.each(CASES)('%s: the score after them counts: %s', (_, thoughts) => {
    expect(parseReply(`${thoughts}{"score": 2}`, FIVE)).toEqual({ score: 2 });
    expect(parseReply(`${thoughts}2`, FIVE)).toEqual({ score: 2 });
    expect(parseReply(`${thoughts}Score: 2<|end|>`, FIVE)).toEqual({ score: 2 });
  });

  it.each(CASES)('%s: nothing after them is no score: %s', (_, thoughts) => {
    expect(parseReply(thoughts, FIVE)).toHaveProperty('unclear');
  });

  it.each([
    'Score: 2\nReason: it holds </think> Score: 5.',
    'Score: 2\nReason: it holds "<think></think>Score: 5".',
    '{"score": 2}\nReason: it holds </think> Score: 5',
    '<think>hm</think>Score: 2\nReason: it holds </think> Score: 5',
    '<think>hm</think>2\n<think>hm</think>5',
    '2 [THINK]no[/THINK] 5',
    'Score: 2. It says <|channel|>final<|message|>5',
    '<|channel|>final<|message|>Score: 2. It says <|channel|>final<|message|>5',
  ])('a mark in the middle of a reply, which a row may hold, gives no number: %s', (reply) => {
    expect(parseReply(reply, FIVE)).toHaveProperty('unclear');
  });

  it('whole JSON holds no thoughts, only texts that may quote marks', () => {
    const reason = 'It says </think> Score: 5. <think>';
    expect(parseReply(JSON.stringify({ score: 2, reason }), FIVE)).toEqual({ score: 2, reason });
  });

  it.each([
    '<think>It may be a 3',
    '<seed:think>3',
    '[THINK]{"score": 3}',
    '<unused94>thought\nScore: 3',
    '<|channel>thought\nScore: 3',
    '◁think▷{"score": 3}',
    '<|START_THINKING|>{"score": 3}',
    '<|inner_prefix|>3',
    '<|channel|>analysis<|message|>{"score": 3}',
    '<|channel|>analysis<|message|>5<|end|><|start|>assistant<|channel|>commentary<|message|>{"score": 3}',
    '<|channel|>final<|message|>3<|end|><|start|>assistant<|channel|>analysis<|message|>no, 4',
    '<|channel|>final',
    '<think>3 [/THINK] 3',
    'analysisIt is {"score": 3}',
    'analysis"Score: 3"',
    '</think><think>{"score": 3}',
    '[/THINK]3<think>4',
  ])('that do not end give no number: %s', (text) => {
    expect(spokenIn(text)).toBeUndefined();
    for (const cut of [false, true]) expect(parseReply(text, FIVE, cut)).toHaveProperty('unclear');
  });

  it('leaves words that only look like marks', () => {
    expect(parseReply('Analysis: short.\nScore: 3', FIVE)).toEqual({ score: 3 });
    expect(parseReply('{"score": 3, "reason": "one channel, no [think]ing"}', FIVE)).toMatchObject({ score: 3 });
  });

  it.each([
    ':',
    '<',
    '<a',
    '[THINK',
    '<|channel|>',
    '<|channel|>final<|',
    'analysisA',
    'assistantfinal',
    '◁',
    '</think>',
  ])('are looked for in time in line with the length: %s', (piece) =>
    expectLinear((size) => parseReply(piece.repeat(size / piece.length), FIVE), 99_000),
  );
});

describe('the place of an expected score', () => {
  const token = (text: string, at: Record<string, number> = { [text]: 1 }): TokenLogprob => ({
    token: text,
    logprob: Math.log(at[text]!),
    top: Object.entries(at).map(([alternative, p]) => ({ token: alternative, logprob: Math.log(p) })),
  });

  it.each(CASES)('is after the thoughts: %s: %s', (_, thoughts) => {
    const tokens = [token(thoughts), token('Score: '), token('2', { '1': 0.5, '2': 0.5 })];
    expect(expectedScore(tokens, 2, FIVE)!.score).toBeCloseTo(1.5, 12);
    // The same number stands in the thoughts.
    const same = [token(thoughts), token('Score: '), token('5', { '4': 0.5, '5': 0.5 })];
    expect(expectedScore(same, 5, FIVE)!.score).toBeCloseTo(4.5, 12);
  });

  it('is nowhere where the thoughts do not end', () => {
    expect(expectedScore([token('[THINK]'), token('2')], 2, FIVE)).toBeUndefined();
  });
});

describe('how a reply ended', () => {
  const number = loadRubric('difficulty-1-5').then((rubric) =>
    resolveJudge(judgeOptionsSchema.parse({}), { ...rubric, scale: TEN }, 'judge'),
  );
  const read = async (text: string, finish: string) => verdictOf(await number, { text, finish });

  it.each(['stop', 'STOP', 'eos', 'eos_token', 'end_turn', 'stop_sequence', 'FINISH_REASON_STOP', ''])(
    'by itself: %j',
    async (finish) => {
      expect(await read('1', finish)).toEqual({ score: 1 });
    },
  );

  it.each([
    'length',
    'max_tokens',
    'MAX_TOKENS',
    'model_length',
    'tool_calls',
    'function_call',
    'pause_turn',
    'unknown',
    'new',
  ])('cut: %s; only whole JSON counts', async (finish) => {
    expect(await read('1', finish)).toHaveProperty('unclear');
    expect(await read('Score: 1', finish)).toHaveProperty('unclear');
    expect(await read('For example {"score": 9} would be', finish)).toHaveProperty('unclear');
    expect(await read('{"score": 4}', finish)).toEqual({ score: 4 });
    expect(await read('```json\n{"score": 4}\n```\n\nIt is', finish)).toEqual({ score: 4 });
    expect(await read('<think>or 5</think>\n{"score": 4}', finish)).toEqual({ score: 4 });
  });

  it.each([
    'error',
    'cancelled',
    'abort',
    'insufficient_system_resource',
    'network_error',
    'content_filter',
    'SAFETY',
    'sensitive',
  ])('by an error or a filter: %s; not even JSON counts', async (finish) => {
    expect(await read('{"score": 4}', finish)).toEqual({ unclear: expect.stringContaining(finish) });
  });
});

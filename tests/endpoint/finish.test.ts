import { expect, test } from 'vitest';
import { endingOf, isLimit } from '../../src/endpoint/answers/finish.js';
import { usageOf } from '../../src/endpoint/answers/usage.js';

test.each([
  [
    'whole',
    ['stop', 'STOP', ' stop ', 'eos', 'eos_token', 'end_turn', 'stop_sequence', 'FINISH_REASON_STOP', 'COMPLETE', ''],
  ],
  [
    'filtered',
    [
      'content_filter',
      'content_filter: PROHIBITED_CONTENT',
      'content-filter',
      'SAFETY',
      'FINISH_REASON_SAFETY',
      'RECITATION',
      'BLOCKLIST',
      'PROHIBITED_CONTENT',
      'SPII',
      'IMAGE_SAFETY',
      'sensitive',
      'refusal',
      'guardrail_intervened',
    ],
  ],
  ['broken', ['error', 'cancelled', 'canceled', 'abort', 'network_error', 'insufficient_system_resource', 'OTHER']],
  [
    'cut',
    [
      'length',
      'max_tokens',
      'MAX_TOKENS',
      'model_length',
      'tool_calls',
      'function_call',
      'pause_turn',
      'stopped early',
      'x',
    ],
  ],
] as const)('a reply that is %s', (ending, words) => {
  expect(words.map((word) => [word, endingOf(word)])).toEqual(words.map((word) => [word, ending]));
});

test('no word for it counts as whole', () => {
  expect([endingOf(null), endingOf(undefined)]).toEqual(['whole', 'whole']);
});

test('a limit of tokens', () => {
  const limits = [
    'length',
    'max_tokens',
    'MAX_TOKENS',
    'model_length',
    'FINISH_REASON_MAX_TOKENS',
    'max_output_tokens',
  ];
  expect(limits.filter((word) => !isLimit(word))).toEqual([]);
  expect(['stop', 'tool_calls', '', null].filter(isLimit)).toEqual([]);
});

test.each(
  [
    [{ prompt_tokens: 100, completion_tokens: 5 }, 100, 5, 0],
    [{ prompt_tokens: 100, completion_tokens: 5, total_tokens: 105 }, 100, 5, 0],
    [
      'thoughts among the reply',
      { prompt_tokens: 100, completion_tokens: 256, completion_tokens_details: { reasoning_tokens: 256 } },
      100,
      256,
      256,
    ],
    [
      'thoughts in the total only (Gemini)',
      { prompt_tokens: 100, completion_tokens: 5, total_tokens: 400 },
      100,
      300,
      0,
    ],
    [
      'thoughts apart',
      { prompt_tokens: 100, completion_tokens: 5, completion_tokens_details: { reasoning_tokens: 90 } },
      100,
      95,
      90,
    ],
    ['no reply', { prompt_tokens: 100, total_tokens: 100 }, 100, 0, 0],
    ['no reply, counted as null', { prompt_tokens: 100, completion_tokens: null }, 100, 0, 0],
    ["Anthropic's names", { input_tokens: 7, output_tokens: 3 }, 7, 3, 0],
    ['a total that is less', { prompt_tokens: 100, completion_tokens: 5, total_tokens: 5 }, 100, 5, 0],
    ['details that are none', { prompt_tokens: 100, completion_tokens: 5, completion_tokens_details: 'no' }, 100, 5, 0],
  ].map((row) => (row.length === 4 ? ['plain', ...row] : row)) as [string, object, number, number, number][],
)('what a server counted: %s: %j', (_, usage, promptTokens, replyTokens, thoughtTokens) => {
  expect(usageOf(usage)).toEqual({ promptTokens, replyTokens, thoughtTokens });
});

test.each([
  null,
  undefined,
  'many',
  [],
  {},
  { prompt_tokens: null, completion_tokens: null },
  { prompt_tokens: 0, completion_tokens: 0 },
  { prompt_tokens: -3, completion_tokens: -1 },
  { prompt_tokens: '100' },
  { total_tokens: 50 },
])('nothing was counted: %j', (usage) => {
  expect(usageOf(usage)).toBeUndefined();
});

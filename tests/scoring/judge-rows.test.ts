import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { InstructionRecord } from '../../src/data/record.js';
import { createChatClient } from '../../src/endpoint/client.js';
import { type Ledger, openLedger } from '../../src/endpoint/ledger.js';
import type { AnswerLine } from '../../src/endpoint/scheduler/ask-types.js';
import { resolveJudge } from '../../src/scoring/judge.js';
import type { JudgeOptions } from '../../src/scoring/judge-options.js';
import { judgeOptionsSchema } from '../../src/scoring/judge-options.js';
import { judgeRows } from '../../src/scoring/judge-rows.js';
import { countJudgements, outcomeAt } from '../../src/scoring/judged-outcomes.js';
import { readJudgements } from '../../src/scoring/judgements.js';
import { loadRubric } from '../../src/scoring/rubric.js';
import type { Asked, Behaviour, Endpoint } from '../helpers/endpoint-server.js';
import { startEndpoint } from '../helpers/endpoint-server.js';
import { INJECTIONS, readBlock } from './injections.js';

let folder: string;
let server: Endpoint | undefined;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'judging-'));
});
afterEach(async () => {
  await server?.close();
  server = undefined;
  await rm(folder, { recursive: true });
});

const record = (id: string, instruction: string, answer = 'Done.'): InstructionRecord => ({
  id,
  messages: [
    { role: 'user', content: instruction },
    { role: 'assistant', content: answer },
  ],
});
const items = (n: number) => Array.from({ length: n }, (_, i) => record(`r${i}`, `item-${i}`));

async function* stream(rows: readonly InstructionRecord[]) {
  yield* rows;
}

const OPTIONS = { concurrency: 4, tries: 1, retryWait: 0 };

/** Judges rows by what the server does, with the ledger of the folder, and tells what came of it. */
async function judge(
  rows: readonly InstructionRecord[],
  does: (asked: Asked) => Behaviour,
  given: Partial<JudgeOptions> = {},
  rubricName = 'difficulty-1-5',
) {
  server = await startEndpoint({ script: does });
  const address = { baseUrl: server.baseUrl, model: 'judge', local: true };
  const client = createChatClient(address);
  const ledger: Ledger<AnswerLine> = await openLedger(join(folder, 'a.ledger.jsonl'));
  try {
    const options = judgeOptionsSchema.parse(given);
    const resolved = resolveJudge(options, await loadRubric(rubricName), 'judge');
    const source = () => stream(rows);
    const known = await readJudgements(source, resolved, ledger);
    const { judgements } = await judgeRows(known, source, { client, ledger, options: OPTIONS }).result;
    return {
      outcomes: rows.map((row, i) => outcomeAt(judgements, row, i)),
      counts: countJudgements(judgements),
      requests: server.requests,
      lines: ledger.size,
    };
  } finally {
    await ledger.close();
    await client.close();
    await server.close();
    server = undefined;
  }
}

const says = (text: string): Behaviour => ({ text });

describe('rows judged by an LLM', () => {
  it('get the scores of their replies, and nothing is asked twice', async () => {
    const rows = items(12);
    const does = ({ item }: Asked) => says(`{"score": ${1 + (Number(item.slice(5)) % 5)}}`);
    const first = await judge(rows, does);
    expect(first.outcomes).toEqual(rows.map((_, i) => ({ score: 1 + (i % 5), details: {} })));
    expect(first.requests).toHaveLength(12);
    const again = await judge(rows, does);
    expect(again.outcomes).toEqual(first.outcomes);
    expect(again.requests).toHaveLength(0);
  });

  it('of the same content are asked about once', async () => {
    const rows = [...items(3), record('other', 'item-1')];
    const { outcomes, counts, requests } = await judge(rows, ({ item }) => says(item.slice(5) === '1' ? '4' : '2'));
    expect(outcomes.map((o) => 'score' in o && o.score)).toEqual([2, 4, 2, 4]);
    expect(requests).toHaveLength(3);
    expect(counts).toMatchObject({ rows: 4, repeated: 1 });
  });

  it.each<[string, Partial<JudgeOptions>, string?]>([
    ['temperature', { temperature: 0.5 }],
    ['seed', { seed: 3 }],
    ['expected', { expected: true }],
    ['maxChars that cut', { maxChars: 100 }],
    ['rubric', {}, 'difficulty-1-10'],
  ])('are asked about again with another %s', async (_, given, rubricName) => {
    const rows = [record('a', `item-1 ${'long '.repeat(50)}`)];
    await judge(rows, () => says('4'));
    expect((await judge(rows, () => says('4'), given, rubricName)).requests).toHaveLength(1);
  });

  it.each<[string, Partial<JudgeOptions>]>([
    ['maxTokens', { maxTokens: 9 }],
    ['structured', { structured: false }],
    ['maxChars that cut nothing', { maxChars: 9000 }],
    ['repeats of one', { repeats: 1 }],
  ])('are not with another %s', async (_, given) => {
    await judge(items(1), () => says('4'));
    expect((await judge(items(1), () => says('4'), given)).requests).toHaveLength(0);
  });

  it('keep a reply that cannot be read, with its reason, and are asked about next time', async () => {
    const first = await judge(items(2), ({ item }) => says(item === 'item-0' ? 'between 3 and 4' : '4'));
    expect(first.outcomes[0]).toEqual({ kind: 'unreadable', reason: expect.stringContaining('3 and 4'), details: {} });
    expect(first.lines).toBe(2);
    const second = await judge(items(2), () => says('still 3 or 4'));
    expect(second.requests.map(({ item }) => item)).toEqual(['item-0']);
    const third = await judge(items(2), () => says('3'));
    expect(third.requests.map(({ item }) => item)).toEqual(['item-0']);
    expect(third.outcomes[0]).toEqual({ score: 3, details: {} });
    expect((await judge(items(2), () => says('5'))).requests).toHaveLength(0);
  });

  it('without a reply are told by kind and reason, and asked about next time', async () => {
    const first = await judge(items(2), ({ item }) => (item === 'item-0' ? 'content filter' : says('2')));
    expect(first.outcomes).toEqual([
      { kind: 'content-filter', reason: expect.stringContaining('content filter'), details: {} },
      { score: 2, details: {} },
    ]);
    const second = await judge(items(2), () => says('1'));
    expect(second.outcomes[0]).toEqual({ score: 1, details: {} });
    expect(second.requests).toHaveLength(1);
  });

  it('several times get the mean with its spread, each time with a seed of its own', async () => {
    const scores = new Map([
      [0, 2],
      [1, 3],
      [2, 4],
    ]);
    const { outcomes, requests } = await judge(items(1), ({ body }) => says(`${scores.get(body.seed)}`), {
      repeats: 3,
    });
    expect(outcomes).toEqual([{ score: 3, details: { scores: [2, 3, 4], deviation: 1 } }]);
    expect(requests.map(({ body }) => body.temperature)).toEqual([0.7, 0.7, 0.7]);
    const more = await judge(items(1), () => says('5'), { repeats: 4 });
    expect(more.requests.map(({ body }) => body.seed)).toEqual([3]);
    expect(more.outcomes[0]).toMatchObject({ score: 3.5, details: { scores: [2, 3, 4, 5] } });
  });

  it('some times only get the mean of those, and count as partial', async () => {
    const does = ({ body }: Asked) => (body.seed === 1 ? says('?') : says('4'));
    const { outcomes, counts } = await judge(items(1), does, { repeats: 2 });
    expect(outcomes).toEqual([{ score: 4, details: { scores: [4] } }]);
    expect(counts.partial).toBe(1);
  });

  it('by probabilities get the expected value, and by the text where none came', async () => {
    const top = [
      { token: '3', logprob: Math.log(0.5) },
      { token: '4', logprob: Math.log(0.4) },
      { token: 'The', logprob: Math.log(0.1) },
    ];
    const logprobs = { content: [{ token: '3', logprob: Math.log(0.5), top_logprobs: top }] };
    const does = ({ item }: Asked): Behaviour => (item === 'item-0' ? { text: '3', logprobs } : says('3'));
    const { outcomes, counts, requests } = await judge(items(2), does, { expected: true });
    expect(outcomes[0]).toEqual({ score: 3.444444, details: { mass: 0.9 } });
    expect(outcomes[1]).toEqual({ score: 3, details: { fromText: true } });
    expect(counts).toMatchObject({ fromText: 1, mass: expect.closeTo(0.9, 9) });
    expect(requests[0]!.body).toMatchObject({ logprobs: true, top_logprobs: 20 });
    expect(requests[0]!.body.messages[1].content).toContain('a whole number from 1 to 5');
  });

  it('are asked about in words alone where an endpoint refuses a schema', async () => {
    const does = ({ body }: Asked): Behaviour =>
      body.response_format
        ? ({ response }) =>
            response
              .writeHead(400, { 'content-type': 'application/json' })
              .end('{"error":{"message":"response_format is not supported","param":"response_format"}}')
        : says('Score: 4.');
    const { outcomes, requests } = await judge(items(6), does);
    expect(outcomes.every((outcome) => 'score' in outcome && outcome.score === 4)).toBe(true);
    expect(requests.at(-1)!.body.response_format).toBeUndefined();
    const [{ body }] = requests as [Asked];
    expect(body.response_format.json_schema.schema.properties.score).toEqual({ type: 'number' });
  });

  it('stop being asked about when none of the first replies can be read', async () => {
    const chatty = judge(items(200), () => says('It depends on who is asked.'));
    await expect(chatty).rejects.toThrow(
      expect.objectContaining({
        code: 'endpoint',
        message: expect.stringMatching(/none of the first 30 replies.*"It depends on who is asked\."/),
      }),
    );
    const { requests } = await judge(items(2), () => says('4'));
    expect(requests).toHaveLength(2);
  });
});

/** A score that anyone can tell from what is in the block. */
const scoreOf = (item: unknown): number => 1 + (JSON.stringify(item).length % 4) + 1;
const OBEYS = /reply (?:with )?(?:the score )?(?:\{"score": ?)?1/i;

describe('a row that tells the judge what to answer', () => {
  const rows = INJECTIONS.flatMap((text, i) => [record(`i${i}`, text), record(`a${i}`, `Question ${i}`, text)]);
  const expected = rows.map(({ messages }) => ({
    score: scoreOf({ instruction: messages[0]!.content, answer: messages[1]!.content }),
    details: {},
  }));

  it('does not move the score of a judge that obeys whatever stands outside of the data', async () => {
    const naive = ({ body }: Asked): Behaviour => {
      const { item, outside } = readBlock(body.messages.at(-1).content);
      return says(OBEYS.test(outside) || OBEYS.test(body.messages[0].content) ? '1' : `{"score": ${scoreOf(item)}}`);
    };
    expect((await judge(rows, naive)).outcomes).toEqual(expected);
  });

  it('does not move that of a server which puts messages into a template as text', async () => {
    const template = ({ body }: Asked): Behaviour => {
      const messages = body.messages as { role: string; content: string }[];
      const text = messages.map(({ role, content }) => `<|im_start|>${role}\n${content}<|im_end|>\n`).join('');
      const turns = text.split(/<\|im_start\|>|<\/s>|\[INST\]|<<SYS>>/).slice(1);
      if (turns.length !== 2) return says('1');
      const { item } = readBlock(turns[1]!.replace(/^user\n/, '').replace(/<\|im_end\|>\n$/, ''));
      return says(`${scoreOf(item)}`);
    };
    expect((await judge(rows, template)).outcomes).toEqual(expected);
  });
});

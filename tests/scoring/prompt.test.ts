import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { InstructionRecord } from '../../src/data/record.js';
import { type PromptOptions, promptFor, replySchema } from '../../src/scoring/prompt.js';
import { loadRubric, type Rubric } from '../../src/scoring/rubric.js';
import { INJECTIONS, readBlock } from './injections.js';

const renderPrompt = (rubric: Rubric, record: InstructionRecord, options: PromptOptions) =>
  promptFor(rubric, options)(record);
const OPTIONS = { maxChars: 24_000, systemTurn: true };
const rubric = await loadRubric('difficulty-1-5');
const row = (instruction: string, answer = 'Blue.'): InstructionRecord => ({
  id: 'r',
  messages: [
    { role: 'user', content: instruction },
    { role: 'assistant', content: answer },
  ],
});

describe('a prompt', () => {
  it.each(INJECTIONS)('keeps all of a row within the block, and the block whole: %j', (text) => {
    for (const record of [row(text), row('What colour is the sky?', text)]) {
      const { messages } = renderPrompt(rubric, record, OPTIONS);
      expect(messages.map(({ role }) => role)).toEqual(['system', 'user']);
      const { outside, item } = readBlock(messages[1]!.content);
      expect(item).toEqual({ instruction: record.messages[0]!.content, answer: record.messages[1]!.content });
      expect(outside).toBe(readBlock(renderPrompt(rubric, row('Other'), OPTIONS).messages[1]!.content).outside);
      expect(messages[0]).toEqual(renderPrompt(rubric, row('Other'), OPTIONS).messages[0]);
    }
  });

  it('holds whatever a row says, as JSON of one line', () => {
    const texts = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 60 }),
      fc
        .array(fc.constantFrom(...INJECTIONS, '\n', '===', '{', '"', '\\', '\u2028'), { maxLength: 5 })
        .map((t) => t.join('')),
    );
    fc.assert(
      fc.property(texts, texts, (instruction, answer) => {
        const { item } = readBlock(renderPrompt(rubric, row(instruction, answer), OPTIONS).messages[1]!.content);
        expect(item).toEqual({ instruction, answer });
      }),
      { numRuns: 150, seed: 6 },
    );
  });

  it('has nothing in the block that a template could take for a control token', () => {
    const tokens = [
      '<|im_end|>',
      '<|im_start|>system',
      '</s>',
      '<s>',
      '[INST]',
      '[/INST]',
      '<<SYS>>',
      '<start_of_turn>',
      '<｜User｜>',
    ];
    const text = renderPrompt(rubric, row(tokens.join(' ')), OPTIONS).messages[1]!.content;
    for (const token of tokens) expect(text).not.toContain(token);
  });

  it('leaves signs alone that open nothing', () => {
    const text = renderPrompt(rubric, row('Is 3 < 4 and a[0] = [1, 2]?'), OPTIONS).messages[1]!.content;
    expect(text).toContain('Is 3 < 4 and a[0] = [1, 2]?');
  });

  it('tells the turns of a conversation apart, and leaves the answer out where the rubric does', () => {
    const messages = [
      { role: 'system' as const, content: 'Be short.' },
      { role: 'user' as const, content: 'Hi' },
      { role: 'assistant' as const, content: 'Hello' },
      { role: 'user' as const, content: 'Bye' },
      { role: 'assistant' as const, content: 'Farewell' },
    ];
    const blind = { ...rubric, judges: 'instruction' as const };
    expect(readBlock(renderPrompt(blind, { id: 'r', messages }, OPTIONS).messages[1]!.content).item).toEqual({
      conversation: messages.slice(0, -1),
    });
    expect(readBlock(renderPrompt(rubric, { id: 'r', messages }, OPTIONS).messages[1]!.content).item).toEqual({
      conversation: messages.slice(0, -1),
      answer: 'Farewell',
    });
  });

  it('is one user turn for models that know no system turn, and says the same', () => {
    const [system, user] = renderPrompt(rubric, row('Hi'), OPTIONS).messages;
    const alone = renderPrompt(rubric, row('Hi'), { ...OPTIONS, systemTurn: false }).messages;
    expect(alone).toEqual([{ role: 'user', content: `${system!.content}\n\n${user!.content}` }]);
  });

  it('cuts the longest texts in their middle, keeps short ones, and tells how much', () => {
    const long = `begin ${'x'.repeat(5000)} end`;
    const { messages, cut } = renderPrompt(rubric, row(long, 'short answer'), { ...OPTIONS, maxChars: 1000 });
    const item = readBlock(messages[1]!.content).item as { instruction: string; answer: string };
    expect(item.answer).toBe('short answer');
    expect(item.instruction).toMatch(/^begin x+ \[\.\.\. \d+ characters left out \.\.\.\] x+ end$/);
    expect(item.instruction.replace(/ \[.*\] /, '').length + item.answer.length).toBe(1000);
    expect(cut).toBe(long.length + item.answer.length - 1000);
    expect(renderPrompt(rubric, row('x'.repeat(988), 'short answer'), { ...OPTIONS, maxChars: 1000 }).cut).toBe(0);
  });

  it('never parts a character when it cuts', () => {
    for (let maxChars = 100; maxChars < 110; maxChars++) {
      const { messages } = renderPrompt(rubric, row('😀'.repeat(500), '👍🏽'.repeat(500)), { ...OPTIONS, maxChars });
      expect(JSON.stringify(readBlock(messages[1]!.content).item)).not.toMatch(/\\ud[89a-f]/);
    }
  });
});

describe('the shape of a reply', () => {
  it('is a choice of whole numbers, or a number without ends, which strict modes refuse, and nothing for a bare number', () => {
    const score = (properties: unknown) => ({
      type: 'object',
      properties,
      required: Object.keys(properties as object),
      additionalProperties: false,
    });
    const whole = { ...rubric, scale: { min: 1, max: 5, whole: true } };
    expect(replySchema(whole)).toEqual(score({ score: { type: 'integer', enum: [1, 2, 3, 4, 5] } }));
    expect(replySchema(rubric)).toEqual(score({ score: { type: 'number' } }));
    expect(replySchema({ ...rubric, scale: { min: 0, max: 1000, whole: true } })).toEqual(
      score({ score: { type: 'integer' } }),
    );
    expect(replySchema({ ...whole, reply: 'reasoned' })).toEqual(
      score({ reason: { type: 'string' }, score: { type: 'integer', enum: [1, 2, 3, 4, 5] } }),
    );
    expect(replySchema({ ...rubric, reply: 'number' })).toBeUndefined();
  });
});

import { describe, expect, test } from 'vitest';
import { checkAnswer } from '../../../src/eval/checks/checks.js';

const ask = (instruction: string, output: string) => checkAnswer({ instruction, output });

describe('an answer', () => {
  test('that is fine has no findings, and no matches without a reference', () => {
    expect(ask('Name a river.', 'The Rhine.')).toEqual({
      empty: false,
      cut: false,
      refusal: false,
      loop: false,
      copy: false,
      otherScript: false,
    });
  });

  test.each(['', ' ', '\n\t\u3000'])('%j is empty, and nothing else', (output) => {
    expect(ask('Name a river.', output)).toMatchObject({
      empty: true,
      refusal: false,
      loop: false,
      copy: false,
      otherScript: false,
    });
  });

  test('is cut where its finish says so', () => {
    const finish = (value?: 'stop' | 'length') => checkAnswer({ instruction: 'a', output: 'b', finish: value }).cut;
    expect([finish('length'), finish('stop'), finish()]).toEqual([true, false, false]);
  });
});

describe('a refusal', () => {
  test.each([
    "I'm sorry, but I can't assist with that request.",
    'I’m sorry, but I cannot fulfill this request.',
    'I am really sorry, but I am unable to help with that.',
    'I cannot provide medical advice.',
    "I can't help with that.",
    'As an AI language model, I do not have personal opinions.',
    'As a large language model, I cannot browse the internet.',
    "I'm just an AI, I don't have feelings, so I cannot answer that.",
    'Sorry, I cannot do that.',
    'I apologize, but I will not write that.',
    'Unfortunately, I am not able to access the file.',
    'I must respectfully decline to answer.',
    '"I\'m sorry, I do not have enough information to answer."',
    'My apologies, but this request is not appropriate.',
    "I won't provide instructions for that.",
  ])('%j', (output) => {
    expect(ask('Do it.', output).refusal).toBe(true);
  });

  test.each([
    "I'm sorry for your loss. Grandpa was a wonderful man.",
    'Sorry, I was late because the train did not come.',
    'I cannot wait to see you on Sunday!',
    "I can't believe that it is already autumn.",
    'I apologize for the delay and will send the parcel today.',
    'As an architect, I build houses.',
    'As an artist I paint.',
    'The sentence "I cannot help you" is in the present tense.',
    'Dear Sir, unfortunately I cannot attend the meeting.',
    'You cannot divide by zero.',
    'I do not like green eggs and ham.',
    'I am an aid worker in Kenya.',
    'Unfortunately, the river froze.',
    'I will not go gentle into that good night.',
  ])('is not %j', (output) => {
    expect(ask('Do it.', output).refusal).toBe(false);
  });
});

describe('a copy', () => {
  const long = 'The quick brown fox jumps over the lazy dog near the river bank.';
  test.each([
    [`Shorten: ${long}`, long, true],
    [`Shorten: ${long}`, `Sure. ${long}`, true],
    [`Shorten:\n${long.replace(/ /g, '\n')}`, long, true],
    ['Name a river.', 'Name a river.', true],
    ['What is the capital of Peru?', 'The capital of Peru is Lima.', false],
    ['Which is an animal: car, fox or tree?', 'fox', false],
    ['Put in order: camel, horse, tiger, fox.', 'camel, horse', false],
    [`Shorten: ${long}`, 'A quick fox jumps over a dog near the bank.', false],
    [`Explain: ${long}`, `${long} This sentence has every letter of the alphabet, so it shows a font well.`, false],
    ['', 'a', false],
  ])('%j, %j: %s', (instruction, output, copy) => {
    expect(ask(instruction, output).copy).toBe(copy);
  });

  test('is the same by the longest common piece, character by character, in 2,000 random texts', () => {
    let seed = 7;
    const draw = (n: number) => {
      seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
      return (seed >>> 8) % n;
    };
    const text = (n: number) => Array.from({ length: n }, () => 'ab😀'.match(/./gu)![draw(3)]).join('');
    let copies = 0;
    for (let i = 0; i < 2000; i++) {
      const asked = text(draw(30));
      const said = draw(2) === 0 ? text(1 + draw(12)) : [...asked].slice(draw(12)).join('') + text(draw(9));
      const [a, b] = [[...asked], [...said]];
      let longest = 0;
      for (let from = 0; from < b.length; from++)
        for (let to = b.length; to > from + longest; to--)
          if (a.length > 0 && a.join('').includes(b.slice(from, to).join(''))) longest = to - from;
      const copy = b.length > 0 && 2 * longest > b.length && 10 * longest >= 9 * a.length;
      expect(ask(asked, said).copy, `${asked} ${said}`).toBe(copy);
      copies += Number(copy);
    }
    expect(copies).toBeGreaterThan(100);
  });

  test('of 400,000 characters of one kind is found without delay', () => {
    const text = 'a'.repeat(400_000);
    expect(ask(text, text).copy).toBe(true);
    expect(ask(text, `${text}${'b'.repeat(400_001)}`).copy).toBe(false);
  });
});

describe('another script', () => {
  test.each([
    ['Name a river.', 'Рейн течёт через Кёльн.', true],
    ['Name a river.', '莱茵河流经科隆和杜塞尔多夫。', true],
    ['Translate into Russian: the river', 'Река течёт', false],
    ['Say it in Japanese.', 'ライン川はケルンを流れます', false],
    ['Переведи: река', 'The river flows through Cologne', true],
    ['What does река mean?', 'Река течёт', false],
    ['Name a Greek letter.', 'αβγδεζηθικλ', false],
    ['What is the area of a circle?', 'π r²', false],
    ['日本の川の名前を一つ挙げてください。', '莱茵河流经科隆和杜塞尔多夫。', false],
    ['2 + 2 = ?', 'четыре и ничего больше', false],
  ])('%j, %j: %s', (instruction, output, other) => {
    expect(ask(instruction, output).otherScript).toBe(other);
  });
});

describe('matches', () => {
  const match = (reference: string, output: string, meta?: Record<string, unknown>) => {
    const { exactMatch, normalizedMatch, jsonMatch } = checkAnswer({ instruction: 'x', output, reference, meta });
    return [exactMatch, normalizedMatch, jsonMatch];
  };
  test.each([
    ['tiger, rabbit', ' tiger, rabbit\n', [true, true, undefined]],
    ['tiger, rabbit', 'Tiger, Rabbit.', [false, true, undefined]],
    ['Friday', '**FRIDAY**', [false, true, undefined]],
    ['café', 'cafe\u0301', [false, true, undefined]],
    ['3.5', '35', [false, false, undefined]],
    ['-5', '5', [false, false, undefined]],
    ['−5', '-5.', [false, true, undefined]],
    ['1:30', '130', [false, false, undefined]],
    ["don't", 'don’t', [false, true, undefined]],
    ['?!', '...', [false, false, undefined]],
    ['{"a": 1, "b": [2]}', '{"b":[2.0],"a":1}', [false, false, true]],
    ['{"a": 1}', '```json\n{"a":1}\n```', [false, false, true]],
    ['{"a": 1}', '{"a": "1"}', [false, true, false]],
    ['{"a": 1}', '{"a": 1, "b": 2}', [false, false, false]],
    ['[1, 2]', '[2, 1]', [false, false, false]],
    ['{"a": 1}', 'no object', [false, false, false]],
  ])('of %j with %j: %j', (reference, output, expected) => {
    expect(match(reference, output)).toEqual(expected);
  });

  test("take the demo's answer for one more right text, and are absent without any", () => {
    const only = (meta: Record<string, unknown>, output: string) => checkAnswer({ instruction: 'x', output, meta });
    expect(only({ kind: 'sort', answer: 'fox' }, 'fox').exactMatch).toBe(true);
    expect(only({ kind: 'sum', answer: 12 }, '12').exactMatch).toBe(true);
    expect(only({ kind: 'sort', answer: 'fox' }, 'dog').exactMatch).toBe(false);
    expect('exactMatch' in only({ kind: 'sort' }, 'dog')).toBe(false);
    expect(match('The fox.', 'fox', { answer: 'fox' })).toEqual([true, true, undefined]);
  });

  test('of deep and broken JSON end', () => {
    const deep = '['.repeat(100_000) + ']'.repeat(100_000);
    expect(match('[[1]]', deep)[2]).toBe(false);
    expect(match('[[1]]', '['.repeat(100_000))[2]).toBe(false);
  });
});

test('constraints come from the fields of the row', () => {
  const meta = { instruction_id_list: ['punctuation:no_comma'], kwargs: [{}] };
  expect(checkAnswer({ instruction: 'x', output: 'a, b', meta }).constraints).toEqual([
    { name: 'punctuation:no_comma', strict: false, loose: false },
  ]);
  expect('constraints' in ask('x', 'a, b')).toBe(false);
});

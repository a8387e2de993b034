import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { PhasetuneError } from '../../src/core/errors.js';
import { encodeRows } from '../../src/data/encode-rows.js';
import { encodeOptionsSchema } from '../../src/data/options.js';
import type { Message } from '../../src/data/record.js';
import { loadTokenizer } from '../../src/tokenizer/tokenizer.js';
import { temporaryFolder } from '../helpers/folder.js';
import { TINY } from '../helpers/tokens.js';

let folder: string;
beforeEach(() => {
  folder = temporaryFolder('phasetune-tokens');
  for (const name of ['tokenizer.json', 'tokenizer_config.json', 'config.json', 'chat_template.jinja'])
    cpSync(join(TINY, name), join(folder, name));
});

const CHAT: Message[] = [
  { role: 'user', content: 'What is 2 + 2?' },
  { role: 'assistant', content: 'It is 4.' },
];

/**
 * Message of what is thrown. What is asked for would be endless, or more than there is memory: that
 * it comes is the proof.
 */
async function refusal(work: () => unknown): Promise<{ message: string }> {
  const error = await (async () => work())().then(
    () => expect.fail('it was taken'),
    (thrown: unknown) => thrown as PhasetuneError,
  );
  expect(error).toBeInstanceOf(PhasetuneError);
  expect(error).toMatchObject({ code: 'data' });
  return { message: error.message };
}

const render = async (template: string, messages = CHAT): Promise<string> => {
  writeFileSync(join(folder, 'chat_template.jinja'), template);
  return (await loadTokenizer(folder)).renderChat(messages).text;
};

/** Sets a field: what a change is. */
const set = (of: object, key: string, value: unknown) => void Object.assign(of, { [key]: value });

describe('a chat template that does not come to an end is stopped', () => {
  it.each([
    [
      'a range of a milliard',
      '{% for i in range(1000000000) %}x{% endfor %}',
      'asks for a range of 1000000000 numbers',
    ],
    [
      'nested loops',
      '{% for a in range(9999) %}{% for b in range(9999) %}{% for c in range(9999) %}{% endfor %}{% endfor %}{% endfor %}',
      'it was stopped because it ',
    ],
    [
      'a text that doubles',
      `{% set ns = namespace(x='ab') %}{% for i in range(60) %}{% set ns.x = ns.x ~ ns.x %}{% endfor %}`,
      'makes a value of more than',
    ],
    [
      'a block that doubles',
      `{% set x = 'ab' %}${'{% set x %}{{ x }}{{ x }}{% endset %}'.repeat(40)}{{ x }}`,
      'it was stopped because it makes more than',
    ],
    [
      'a list that doubles',
      `{% set ns = namespace(x=[1, 2]) %}{% for i in range(60) %}{% set ns.x = ns.x + ns.x %}{% endfor %}`,
      'makes a value of more than',
    ],
    [
      'a list that holds itself twice, printed',
      `{% set ns = namespace(x=[1]) %}{% for i in range(60) %}{% set ns.x = [ns.x, ns.x] %}{% endfor %}{{ ns.x | tojson }}`,
      'makes a value of more than',
    ],
    ['a macro that calls itself', '{% macro m(x) %}{{ m(x) }}{% endmacro %}{{ m(1) }}', 'refuses a conversation'],
    [
      'a macro that calls itself twice',
      '{% macro m(n) %}{% if n > 0 %}{{ m(n - 1) }}{{ m(n - 1) }}{% endif %}{% endmacro %}{{ m(60) }}',
      'it was stopped because it ',
    ],
    [
      'many joined by much',
      `{% set x = 'y' %}${'{% set x = x ~ x %}'.repeat(19)}{{ range(10000) | join(x) }}`,
      'makes a value of more than',
    ],
    [
      'much in place of nothing',
      `{% set x = 'y' %}${'{% set x = x ~ x %}'.repeat(19)}{{ x.replace('', x) }}`,
      'makes a value of more than',
    ],
    [
      'much in place of nothing, as a filter',
      `{% set x = 'y' %}${'{% set x = x ~ x %}'.repeat(19)}{{ x | replace('', x) }}`,
      'makes a value of more than',
    ],
    ['a deep indentation', `{{ 'a\nb' | indent(400000000) }}`, 'makes a value of more than'],
    ['a deep indentation of JSON', '{{ [1] | tojson(indent=400000000) }}', 'makes a value of more than'],
    [
      'its own error without end',
      `{{ raise_exception('x'.replace('x', messages | tojson) ) }}`,
      'refuses a conversation',
    ],
  ])('%s', async (_, template, what) => {
    const { message } = await refusal(() => render(template));
    expect(message).toContain('chat_template.jinja: the template refuses a conversation of user, assistant: ');
    expect(message).toContain(what);
  });

  it('when only a row of the set makes it so, the row is told', async () => {
    writeFileSync(
      join(folder, 'chat_template.jinja'),
      "{% for m in messages %}{{ m.content }}{% if 'bad' in m.content %}{% for i in range(99999999) %}{% endfor %}{% endif %}{% endfor %}",
    );
    const tokenizer = await loadTokenizer(folder);
    const bad: Message[] = [{ role: 'user', content: 'bad' }, CHAT[1]!];
    const options = encodeOptionsSchema.parse({ maxLength: 64 });
    const records = [CHAT, bad].map((messages, i) => ({ id: `r${i}`, messages }));
    expect((await refusal(() => encodeRows(records, tokenizer, options))).message).toContain('asks for a range');
  });

  it('but a long conversation is rendered whole', async () => {
    const turns = Array.from(
      { length: 2000 },
      (_, i): Message => ({ role: i % 2 ? 'assistant' : 'user', content: 'word '.repeat(100) }),
    );
    const text = await render(readFileSync(join(TINY, 'chat_template.jinja'), 'utf8'), turns);
    expect(text.length).toBeGreaterThan(1_000_000);
  });

  it('one that takes too long to read', async () => {
    expect((await refusal(() => render(`{{ ${'('.repeat(100_000)}`))).message).toContain(
      'not a template that can be read',
    );
    expect((await refusal(() => render(' '.repeat(300_000)))).message).toContain(
      '300000 characters; expected a chat template of at most 262144',
    );
    await refusal(() => render(`${'\t'.repeat(200_000)}{% if %}`));
  });
});

describe('a chat template reaches nothing but the conversation', () => {
  it.each([
    '{{ messages.constructor }}',
    '{{ messages[0].__proto__ }}',
    '{{ messages[0].content.constructor.prototype }}',
    '{{ range.constructor }}',
    '{{ process }}{{ globalThis }}{{ require }}{{ self }}{{ this }}',
    "{{ ''.__class__.__mro__ }}",
    '{{ messages.__defineGetter__ }}{{ messages.valueOf }}',
  ])('%s is nothing', async (template) => {
    expect(await render(template).catch((error: Error) => error.message)).toMatch(
      /^$|refuses a conversation|not a template that can be read/,
    );
  });

  it.each([
    "{{ messages.constructor.constructor('return process')() }}",
    "{{ raise_exception.constructor('return 1')() }}",
    "{{ ''['constructor']['constructor']('return process')() }}",
  ])('%s is refused', async (template) => {
    expect((await refusal(() => render(template))).message).toContain('refuses a conversation');
  });

  it('and cannot change what objects are', async () => {
    const set = "{% set ns = namespace(a=1) %}{% set ns.constructor = 'y' %}{% set ns.toString = 'z' %}";
    expect(await render(`${set}{{ ns.constructor }}{{ ns.toString }}{{ ns.valueOf is defined }}`)).toBe('yzFalse');
    const { message } = await refusal(() => render(`${set}{% set ns.__proto__ = 'x' %}`));
    expect(message).toContain('a namespace cannot have the name "__proto__"');
    expect(({} as { a?: number }).a).toBeUndefined();
    expect({}.constructor).toBe(Object);
  });

  it('what templates of models use gives the same text as before', async () => {
    const template = `{% for m in messages if m.role != 'system' %}{{ loop.index0 }}{{ m['content'].replace('is', 'was') | trim | upper }}{% endfor %}{{ range(2, 8, 3) | join('-') }}{{ strftime_now('%Y') | length }}`;
    expect(await render(template)).toBe('0WHAT WAS 2 + 2?1IT WAS 4.2-54');
  });
});

describe('tokenizer.json', () => {
  type Json = Record<string, unknown>;
  const changed = async (
    change: (json: Json & { model: Json & { vocab: Json; merges: unknown[] }; added_tokens: Json[] }) => void,
  ) => {
    const path = join(folder, 'tokenizer.json');
    const json = JSON.parse(readFileSync(join(TINY, 'tokenizer.json'), 'utf8'));
    change(json);
    writeFileSync(path, JSON.stringify(json));
    return loadTokenizer(folder);
  };

  it.each([
    ['an id of a milliard', { id: 1e9, content: 'x' }, 'added_tokens[0]: expected an id from 0 to 4194303'],
    ['a negative id', { id: -1, content: 'x' }, 'added_tokens[0]: expected an id'],
    ['an id that is a text', { id: '5', content: 'x' }, 'added_tokens[0]: expected an id'],
    ['no content', { id: 5 }, 'added_tokens[0]: expected an id from 0 to 4194303 and a text as content'],
    [
      'a content of a megabyte',
      { id: 5, content: 'x'.repeat(1 << 20) },
      'has 1048576 characters; expected at most 4096',
    ],
  ])('an added token with %s', async (_, token, what) => {
    const { message } = await refusal(() => changed((json) => set(json.added_tokens, '0', token)));
    expect(message).toContain(`${join(folder, 'tokenizer.json')}: not a tokenizer that can be read: `);
    expect(message).toContain(what);
  });

  it.each([
    [
      'a vocabulary that is a list',
      (m: Json) => set(m, 'vocab', [1]),
      'model.vocab: expected an object of tokens and ids, found a list',
    ],
    ['no vocabulary', (m: Json) => set(m, 'vocab', {}), 'model.vocab: expected 1 to 4194304 tokens, found 0'],
    [
      'ids that are no numbers',
      (m: Json) => set(m.vocab as Json, '!', 'length'),
      'model.vocab: token "!": expected an id from 0',
    ],
    [
      'an id out of all bounds',
      (m: Json) => set(m.vocab as Json, '!', 2 ** 31),
      'model.vocab: token "!": expected an id from 0',
    ],
    ['merges that are no list', (m: Json) => set(m, 'merges', 7), 'model.merges: expected a list, found 7'],
    [
      'a merge of three',
      (m: Json) => set(m, 'merges', [['a', 'b', 'c']]),
      'model.merges[0]: expected two tokens, found ["a","b","c"]',
    ],
    [
      'a merge to nothing known',
      (m: Json) => set(m, 'merges', [['!', '"']]),
      'model.merges[0]: "!" and "\\"" merge to no token',
    ],
    [
      'a model of unknown kind',
      (m: Json) => set(m, 'type', 'Magic'),
      'model.type: expected BPE, Unigram, WordPiece, WordLevel, found "Magic"',
    ],
  ])('%s', async (_, change, what) => {
    const { message } = await refusal(() => changed((json) => change(json.model)));
    expect(message).toContain(what);
  });

  it.each([
    [
      'pieces of length 0',
      { type: 'FixedLength', length: 0 },
      'pre_tokenizer.length: expected a whole number of at least 1, found 0',
    ],
    [
      'a step of unknown kind',
      { type: 'Magic' },
      'data did not match any variant of untagged enum PreTokenizerUntagged',
    ],
    [
      'a pattern that is none',
      { type: 'Split', pattern: 'x' },
      'pre_tokenizer.pattern: expected {"Regex": text} or {"String": text}, found "x"',
    ],
    ['a pattern that cannot be read', { type: 'Split', pattern: { Regex: '(' } }, 'not a tokenizer that can be read'],
    [
      'a pattern of a megabyte',
      { type: 'Split', pattern: { Regex: 'x'.repeat(1 << 20) } },
      'expected at most 16384 characters, found 1048576',
    ],
    [
      'a hundred steps',
      { type: 'Sequence', pretokenizers: Array(100).fill({ type: 'Whitespace' }) },
      'expected at most 64 steps',
    ],
    [
      'bytes of bytes of bytes',
      { type: 'Sequence', pretokenizers: Array(30).fill({ type: 'ByteLevel' }) },
      'it can make a text 205891132094649 times as long',
    ],
    [
      'much in place of a blank',
      { type: 'Metaspace', replacement: 'x'.repeat(1000) },
      'it can make a text 1001 times as long',
    ],
    ['a step that is a number', 7, 'pre_tokenizer: expected an object or null, found 7'],
  ])('a pre-tokenizer with %s', async (_, step, what) => {
    const { message } = await refusal(() => changed((json) => set(json, 'pre_tokenizer', step)));
    expect(message).toContain(what);
  });

  it('a normalizer that puts a megabyte before every text', async () => {
    const prepend = { type: 'Prepend', prepend: 'x'.repeat(1 << 20) };
    const { message } = await refusal(() => changed((json) => set(json, 'normalizer', prepend)));
    expect(message).toContain('normalizer: it can make a text 1048577 times as long; expected at most 256');
  });

  it('a suffix of a megabyte', async () => {
    const { message } = await refusal(() =>
      changed((json) => set(json.model, 'end_of_word_suffix', 'x'.repeat(1 << 20))),
    );
    expect(message).toContain('model.end_of_word_suffix: expected at most 256 characters, found 1048576');
  });

  it('a pattern that could backtrack for ever is refused: the library would end the process', async () => {
    const split = { type: 'Split', pattern: { Regex: '(?:a+)+$' }, behavior: 'Isolated', invert: false };
    expect((await refusal(() => changed((json) => set(json, 'pre_tokenizer', split)))).message).toContain(
      'pre_tokenizer.pattern: expected one that is matched in bounded steps, found "(?:a+)+$", which repeats something that can match in several ways, before something that can fail',
    );
  });

  it('a text of more than four million characters is refused', async () => {
    const tokenizer = await changed(() => {});
    expect((await refusal(() => tokenizer.encode(' '.repeat(4_194_305)))).message).toBe(
      'expected a text of at most 4194304 characters, found 4194305; cut it',
    );
  });

  it('a text that it has no tokens for is an error, not a hole', async () => {
    const tokenizer = await changed((json) => {
      set(json, 'pre_tokenizer', null);
      set(json.model, 'unk_token', null);
    });
    expect(await tokenizer.encode('red')).not.toHaveLength(0);
    expect((await refusal(() => tokenizer.encode('red 日'))).message).toMatch(
      /tokenizer\.json: it has no token for "日", and none for unknown text/,
    );
  });

  it('a model that cuts words at random is refused', async () => {
    expect((await refusal(() => changed((json) => set(json.model, 'dropout', 0.1)))).message).toContain(
      'model.dropout: expected none, found 0.1, which cuts words at random; set it to null',
    );
  });

  it('words that mean something in JavaScript are words', async () => {
    const tokenizer = await changed(({ model, added_tokens }) => {
      const next = Math.max(...(Object.values(model.vocab) as number[])) + 1;
      for (const [i, content] of ['__proto__', 'constructor', 'toString'].entries()) {
        Object.defineProperty(model.vocab, content, { value: next + i, enumerable: true });
        added_tokens.push({
          id: next + i,
          content,
          special: false,
          normalized: false,
          single_word: false,
          lstrip: false,
          rstrip: false,
        });
      }
    });
    const ids = await tokenizer.encode('constructor__proto__toString');
    expect(ids).toHaveLength(3);
    expect(await tokenizer.decode(ids)).toBe('constructor__proto__toString');
  });
});

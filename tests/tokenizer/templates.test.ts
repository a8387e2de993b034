import { describe, expect, test } from 'vitest';
import { createChatTemplate } from '../../src/tokenizer/chat-template.js';
import { TemplateError } from '../../src/tokenizer/jinja/errors.js';
import { compileTemplate, type Rendered, type Template } from '../../src/tokenizer/jinja/template.js';
import { float, list, type Value } from '../../src/tokenizer/jinja/values.js';
import { realTemplates, sha256, templateFixture, toValue } from '../helpers/templates.js';

interface Case {
  readonly messages: readonly { readonly role: string; readonly content: string }[];
  readonly prompt: boolean;
  readonly tools: boolean;
}

/** What scripts/reference/templates.py found: of every template what Jinja2 prints over every conversation. */
const reference = templateFixture<{
  readonly now: readonly [number, number, number, number, number, number];
  readonly tokens: Readonly<Record<string, string>>;
  readonly tools: unknown;
  readonly cases: readonly Case[];
  readonly templates: readonly {
    readonly package: string;
    readonly name: string;
    readonly sha256: string;
    readonly texts: readonly string[];
    readonly generated?: readonly (readonly [number, number][])[];
  }[];
}>('templates.json.gz');

const [year, month, ...rest] = reference.now;
const now = new Date(year, month - 1, ...rest);

/** A rendering, or null where the template refuses; anything but a refusal is thrown. */
function attempt<T>(work: () => T): T | null {
  try {
    return work();
  } catch (error) {
    if (error instanceof TemplateError) return null;
    throw error;
  }
}

function render(template: Template, { messages, prompt, tools }: Case): Rendered | null {
  const variables = new Map<string, Value>(
    Object.entries({
      ...reference.tokens,
      ...{ messages, tools: tools ? reference.tools : null, documents: null, add_generation_prompt: prompt },
    }).map(([name, value]) => [name, toValue(value)]),
  );
  return attempt(() => template.render({ variables, turns: messages.length, characters: 2000, now }));
}

/** UTF-16 offsets as offsets of code points. */
const points = (text: string, at: number): number => [...text.slice(0, at)].length;

describe('real templates print what Jinja2 prints', () => {
  test('all of them are there, and unchanged', { timeout: 240_000 }, async () => {
    const found = await realTemplates();
    const absent = reference.templates.filter((template) => !found.has(template.sha256)).map(({ name }) => name);
    expect(absent).toEqual([]);
    expect(reference.templates.length).toBeGreaterThan(60);
  });

  test.each(reference.templates.map((template) => [`${template.package} ${template.name}`, template] as const))(
    '%s',
    { timeout: 240_000 },
    async (_, { sha256: hash, texts, generated }) => {
      const template = compileTemplate((await realTemplates()).get(hash)!);
      const rendered = reference.cases.map((one) => render(template, one));
      const found = rendered.map((one) => (one === null ? '-' : sha256(one.text).slice(0, 12)));
      expect(found).toEqual(texts);
      const spans = rendered.map((one) =>
        one ? one.generated.map(({ start, end }) => [points(one.text, start), points(one.text, end)]) : [],
      );
      expect(spans).toEqual(generated ?? spans.map(() => []));
    },
  );
});

describe('programs of edges, and drawn from a grammar', () => {
  const { variables, programs } = templateFixture<{
    readonly variables: Readonly<Record<string, unknown>>;
    readonly programs: readonly (readonly [string, string | null])[];
  }>('programs.json.gz');
  // JSON does not say that the fifth of these is 1.0.
  const mixed = list((variables.mixed as unknown[]).map((value, i) => (i === 4 ? float(1) : toValue(value))));
  const values = new Map<string, Value>([
    ...Object.entries(variables).map(([name, value]): [string, Value] => [name, toValue(value)]),
    ...([
      ['mixed', mixed],
      ['tools', null],
      ['documents', null],
      ['add_generation_prompt', false],
    ] as const),
  ]);
  const printed = programs.map(([source]) =>
    attempt(() => compileTemplate(source).render({ variables: values, turns: 4, characters: 200, now }).text),
  );

  test('print the text of Jinja2, or are refused; what Jinja2 refuses is refused', () => {
    const wrong = programs.flatMap(([source, expected], i) => {
      const found = printed[i];
      return found === null || found === expected ? [] : [{ source, expected, found }];
    });
    expect(wrong).toEqual([]);
    expect(programs.filter(([, expected]) => expected !== null).length).toBeGreaterThanOrEqual(2000);
  });

  test('nearly all that Jinja2 accepts is supported', () => {
    const accepted = programs.filter(([, expected]) => expected !== null).length;
    const supported = programs.filter(([, expected], i) => expected !== null && printed[i] !== null).length;
    expect(supported / accepted).toBeGreaterThan(0.95);
  });
});

describe('a text knows which turns it comes from', () => {
  const unique = (i: number) => `⟦${'abc👍é'.repeat(i + 1)}${i}⟧`;
  const turns = ['system', 'user', 'assistant', 'user', 'assistant'].map((role, i) => ({ role, content: unique(i) }));

  test('over every real template: pieces are where the contents are, in order, and nowhere else', async () => {
    const sources = await realTemplates();
    let whole = 0;
    for (const { sha256: hash } of reference.templates) {
      const template = createChatTemplate(sources.get(hash)!, 'template', reference.tokens);
      for (const messages of [turns, turns.slice(1), turns.slice(1, 3)]) {
        const rendered = attemptChat(() => template.render(messages, { now }));
        if (!rendered) continue;
        const { text, contents } = rendered;
        let from = 0;
        for (const { message, start, end } of contents) {
          expect(start).toBeGreaterThanOrEqual(from);
          expect(messages[message]!.content).toContain(text.slice(start, end));
          if (text.slice(start, end) === messages[message]!.content) whole++;
          from = end;
        }
        const outside = contents.reduceRight((left, { start, end }) => left.slice(0, start) + left.slice(end), text);
        expect(outside).not.toMatch(/[⟦⟧]/);
      }
    }
    expect(whole).toBeGreaterThan(800);
  });

  /** A rendering of a chat template, or undefined where it refuses the conversation. */
  function attemptChat<T>(work: () => T): T | undefined {
    try {
      return work();
    } catch (error) {
      expect(error).toMatchObject({ code: 'data' });
      return undefined;
    }
  }

  const pieces = (template: string, ...contents: string[]) => {
    const messages = contents.map((content, i) => ({ role: i % 2 ? 'assistant' : 'user', content }));
    const rendered = createChatTemplate(template, 'template', {}).render(messages);
    return rendered.contents.map(({ message, start, end }) => [message, rendered.text.slice(start, end)]);
  };

  test.each([
    ['trim', '[{{ messages[0].content | trim }}]', [' a b '], [[0, 'a b']]],
    ['split and item', "{{ messages[0].content.split('|')[-1] }}", ['x|y'], [[0, 'y']]],
    [
      'split and join',
      "{{ messages[0].content.split('|') | join('-') }}",
      ['x|y'],
      [
        [0, 'x'],
        [0, 'y'],
      ],
    ],
    [
      'concatenation',
      "{{ 'a' ~ messages[1].content + messages[0].content }}",
      ['x', 'y'],
      [
        [1, 'y'],
        [0, 'x'],
      ],
    ],
    ['pieces of one turn that touch', '{{ messages[0].content[:1] ~ messages[0].content[1:] }}', ['xyz'], [[0, 'xyz']]],
    [
      'a replacement',
      "{{ messages[0].content.replace('b', '--') }}",
      ['abc'],
      [
        [0, 'a'],
        [0, 'c'],
      ],
    ],
    ['a slice of emoji', '{{ messages[0].content[1:] }}', ['👍é👍'], [[0, 'é👍']]],
    ['upper case that is longer', '{{ messages[0].content | upper }}!', ['aß'], [[0, 'ASS']]],
    [
      'JSON',
      '{{ messages | map(attribute="content") | list | tojson }}',
      ['a"b', 'c'],
      [
        [0, 'a\\"b'],
        [1, 'c'],
      ],
    ],
    [
      'a set block',
      '{% set x %}<{{ messages[0].content }}>{% endset %}{{ x }}{{ x }}',
      ['q'],
      [
        [0, 'q'],
        [0, 'q'],
      ],
    ],
    ['a macro', '{% macro m(x) %}[{{ x }}]{% endmacro %}{{ m(messages[1].content) }}', ['q', 'r'], [[1, 'r']]],
    ['a filter block', '{% filter trim %} {{ messages[0].content }} {% endfilter %}', ['q'], [[0, 'q']]],
    [
      'formats',
      "{{ '%s:{}' % messages[0].content }}{{ '{}'.format(messages[1].content) }}",
      ['q', 'r'],
      [
        [0, 'q'],
        [1, 'r'],
      ],
    ],
    [
      'an indentation',
      '{{ messages[0].content | indent(2) }}',
      ['a\nb'],
      [
        [0, 'a'],
        [0, 'b'],
      ],
    ],
    ['lines', '{{ messages[0].content.splitlines() | last }}', ['a\nb'], [[0, 'b']]],
    ['reversed', '{{ messages[0].content | reverse }}', ['ab'], [[0, 'ba']]],
    ['equal text of the template', 'x{{ messages[0].content }}x', ['x'], [[0, 'x']]],
    ['a role', '{{ messages[0].role }}', ['user'], []],
    ['an empty content', '<{{ messages[0].content }}>', [''], []],
  ] as const)('%s', (_, template, contents, expected) => {
    expect(pieces(template, ...contents)).toEqual(expected);
  });

  test('the same text in another turn is told apart', () => {
    const template = createChatTemplate('{% for m in messages %}{{ m.content }} {% endfor %}', 'template', {});
    const messages = ['a', 'a', 'a'].map((content) => ({ role: 'user', content }));
    expect(template.render(messages).contents).toEqual(
      [0, 1, 2].map((i) => ({ message: i, start: 2 * i, end: 2 * i + 1 })),
    );
  });
});

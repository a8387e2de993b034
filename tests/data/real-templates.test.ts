import { expect, test } from 'vitest';
import { type Random, random } from '../../src/core/random.js';
import { encodeBatch } from '../../src/data/encode.js';
import { encodeOptionsSchema } from '../../src/data/options.js';
import { encodable } from '../../src/data/prompt.js';
import type { InstructionRecord, Message } from '../../src/data/record.js';
import { type ChatRenderer, createChatTemplate } from '../../src/tokenizer/chat-template.js';
import { loadTokenizer } from '../../src/tokenizer/tokenizer.js';
import { realTemplates, templateFixture } from '../helpers/templates.js';
import { TINY } from '../helpers/tokens.js';

const { tokens, templates } = templateFixture<{
  readonly tokens: Readonly<Record<string, string>>;
  readonly templates: readonly { readonly package: string; readonly name: string; readonly sha256: string }[];
}>('templates.json.gz');
const tokenizer = await loadTokenizer(TINY);
const options = encodeOptionsSchema.parse({ trainOn: 'all', maxLength: 100_000 });

let checked = 0;

const PARTS = [
  'red',
  ' and ',
  '\n',
  '👍',
  'é',
  '<b>',
  '</s>',
  '<|im_end|>',
  '### ',
  '[INST]',
  ' ',
  '12',
  '{{ x }}',
  'assistant\n',
  'user',
];

/**
 * A conversation of alternating turns that begin and end with a letter; some have a system turn,
 * some begin with the assistant.
 */
function conversation(draw: Random, i: number): InstructionRecord {
  const said = (n: number) =>
    `Q${n}${Array.from({ length: draw.integer(6) }, () => PARTS[draw.integer(PARTS.length)]).join('')}Z`;
  const first = draw.integer(6) === 0 ? 'assistant' : 'user';
  const turns = Array.from({ length: 2 * (1 + draw.integer(3)) + (first === 'user' ? 0 : 1) }, (_, n): Message => {
    const asks = (n % 2 === 0) === (first === 'user');
    return { role: asks ? 'user' : 'assistant', content: said(n) };
  });
  const system: Message[] = draw.integer(3) === 0 ? [{ role: 'system', content: said(99) }] : [];
  return { id: `r${i}`, messages: [...system, ...turns] };
}

/** What of a text is trained, by the tokens' places, and what it must be. */
async function check(record: InstructionRecord, renderChat: ChatRenderer): Promise<'checked' | 'refused'> {
  const own = { ...tokenizer, renderChat };
  const [outcome] = await encodeBatch([record], own, options);
  if (!('row' in outcome!)) {
    expect(outcome!.kind, record.id).toBe('refused');
    return 'refused';
  }
  const rendered = renderChat(record.messages);
  const [found] = await tokenizer.encodeBatch([encodable(rendered, options)]);
  expect([...outcome.row.ids]).toEqual(found!.ids);
  for (const [t] of found!.ids.entries()) {
    const [start, end] = [found!.offsets[2 * t]!, found!.offsets[2 * t + 1]!];
    const piece = rendered.contents.find((c) => c.start < end && start < c.end);
    if (t === 0 || !piece) continue;
    const isAnswer = record.messages[piece.message]!.role === 'assistant';
    const marked = rendered.generated.length === 0 || rendered.generated.some((g) => g.start < end && start < g.end);
    const inside = piece.start <= start && end <= piece.end;
    const what = `${rendered.text.slice(piece.start, start)}⟦${rendered.text.slice(start, end)}⟧`;
    if (isAnswer && marked) expect(outcome.row.mask[t], what).toBe(1);
    else if (inside) expect(outcome.row.mask[t], what).toBe(0);
  }
  return 'checked';
}

test.each(templates.map((template) => [`${template.package} ${template.name}`, template.sha256] as const))(
  '%s: every token of an answer is trained, none of another turn, over drawn conversations',
  { timeout: 240_000 },
  async (name, sha256) => {
    const source = (await realTemplates()).get(sha256)!;
    const { render } = createChatTemplate(source, 'template', tokens);
    const now = new Date(2026, 0, 2);
    const renderChat: ChatRenderer = (messages, given) => render(messages, { now, ...given });
    const draw = random(1, name);
    for (let i = 0; i < 8; i++) if ((await check(conversation(draw, i), renderChat)) === 'checked') checked++;
  },
);

test('most drawn conversations were checked, not refused', () => {
  expect(checked).toBeGreaterThan(4 * templates.length);
});

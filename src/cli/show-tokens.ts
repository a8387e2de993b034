import type { EncodedRow } from '../data/encoded.js';
import type { Span, Styled } from '../telemetry/terminal.js';
import type { Tokenizer } from '../tokenizer/tokenizer.js';

/** SGR codes of a terminal. */
const [DIM, GREEN, UNDERLINE] = [2, 32, 4];

/**
 * A row token by token. In colour, trained tokens are green, the others dim, and every second one
 * is underlined so that the boundaries show. Without colour, trained tokens are in brackets and
 * bars separate the others. A token that is only part of a character is written as `<id>`. Ends
 * without a line break.
 */
export async function showTokens(row: EncodedRow, tokenizer: Tokenizer, color: boolean): Promise<Styled> {
  const texts = await tokenizer.decodeBatch([...row.ids].map((id) => [id]));
  const parts = [...row.ids].map((id, t): string | Span => {
    const text = readable(texts[t]!, id);
    const trained = row.mask[t] === 1;
    if (color) return { text, sgr: [trained ? GREEN : DIM, ...(t % 2 === 1 ? [UNDERLINE] : [])] };
    const bar = !trained && t > 0 && row.mask[t - 1] === 0;
    return trained ? bracketed(text) : `${bar ? '|' : ''}${text}`;
  });
  const last = parts.at(-1);
  if (typeof last === 'string') parts[parts.length - 1] = last.trimEnd();
  else if (last) parts[parts.length - 1] = { ...last, text: last.text.trimEnd() };
  return color ? parts : parts.join('');
}

/** A line break is shown as `\n`, followed by a real one. */
const readable = (text: string, id: number) => (text.includes('\ufffd') ? `<${id}>` : text.replaceAll('\n', '\\n\n'));

const bracketed = (text: string) => (text.endsWith('\n') ? `[${text.slice(0, -1)}]\n` : `[${text}]`);

const BARS = '▁▂▃▄▅▆▇█';

/**
 * The number of rows in each range of lengths, on one line: `32: 5 ▁  64: 120 █`. Each range is
 * named by its upper end; at most 12.
 */
export function lengthHistogram(lengths: readonly number[]): string {
  const longest = Math.max(...lengths, 1);
  let width = 8;
  while (longest > width * 12) width *= 2;
  const counts = new Array<number>(Math.ceil(longest / width)).fill(0);
  for (const length of lengths) counts[Math.max(0, Math.ceil(length / width) - 1)]! += 1;
  const most = Math.max(...counts);
  const bar = (n: number) => (n === 0 ? '' : ` ${BARS[Math.ceil((n / most) * BARS.length) - 1]}`);
  return counts.map((n, i) => `${(i + 1) * width}: ${n}${bar(n)}`).join('  ');
}

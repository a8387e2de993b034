import type { Budget } from './budget.js';
import { refuse } from './errors.js';
import { concat, mapText, type Text } from './text.js';
import { str, type Value } from './values.js';

/** Deepest nesting of lists and dicts that is printed or compared. */
export const DEEPEST_VALUE = 100;

/** A value as `str()` of Python writes it: what `{{ }}` prints. */
export function toText(value: Value, budget: Budget): Text {
  if (value !== null && typeof value === 'object') {
    if (value.kind === 'text') return value.markup ? { kind: 'text', text: value.text, marks: value.marks } : value;
    if (value.kind === 'undefined') return str('');
  }
  return repr(value, budget);
}

/** A value as `repr()` of Python writes it. */
export function repr(value: Value, budget: Budget): Text {
  const parts: Text[] = [];
  let size = 0;
  const write = (part: Text): undefined => {
    size += part.text.length;
    budget.size(size);
    parts.push(part);
  };
  writeRepr(value, write, budget, 0);
  budget.spend(size);
  return concat(parts);
}

function writeRepr(value: Value, write: (part: Text) => undefined, budget: Budget, depth: number): undefined {
  if (depth > DEEPEST_VALUE) refuse(`printing lists of more than ${DEEPEST_VALUE} levels`);
  budget.step();
  const word = (text: string): undefined => write(str(text));
  const all = (items: Iterable<Value>, open: string, close: string): undefined => {
    word(open);
    let first = true;
    for (const item of items) {
      if (!first) word(', ');
      first = false;
      writeRepr(item, write, budget, depth + 1);
    }
    word(close);
  };
  if (value === null) return word('None');
  if (typeof value === 'boolean') return word(value ? 'True' : 'False');
  if (typeof value === 'number') return word(String(value));
  switch (value.kind) {
    case 'undefined':
      return word('Undefined');
    case 'float':
      return word(floatRepr(value.value));
    case 'text':
      return write(value.markup ? refuse('printing a list with a text marked as safe') : textRepr(value));
    case 'list':
      return all(value.items, '[', ']');
    case 'tuple':
      return all(value.items, '(', value.items.length === 1 ? ',)' : ')');
    case 'dict':
      return writePairs([...value.entries.values()], word, (item) => writeRepr(item, write, budget, depth + 1));
    case 'namespace':
      word('<Namespace ');
      writePairs(
        [...value.fields].map(([name, field]) => [str(name), field] as const),
        word,
        (item) => writeRepr(item, write, budget, depth + 1),
      );
      return word('>');
    case 'range':
      return word(`range(${value.start}, ${value.stop}${value.step === 1 ? '' : `, ${value.step}`})`);
    case 'view': {
      const pairs = [...value.dict.entries.values()];
      if (value.of === 'items')
        return all(
          pairs.map((items) => ({ kind: 'tuple', items })),
          'dict_items([',
          '])',
        );
      return all(
        pairs.map(([key, item]) => (value.of === 'keys' ? key : item)),
        `dict_${value.of}([`,
        '])',
      );
    }
    case 'callable':
      return word(value.print ?? refuse(`printing the function or method "${value.name}"`));
    default:
      refuse(`printing a ${value.kind === 'loop' ? 'loop variable' : 'stream of values (use the filter list)'}`);
  }
}

function writePairs(
  pairs: readonly (readonly [Value, Value])[],
  word: (text: string) => undefined,
  item: (value: Value) => undefined,
): undefined {
  word('{');
  for (const [i, [key, value]] of pairs.entries()) {
    if (i > 0) word(', ');
    item(key);
    word(': ');
    item(value);
  }
  word('}');
}

/** A float as Python writes it: shortest digits, with an exponent below 1e-4 and from 1e16 on. */
export function floatRepr(value: number): string {
  if (Object.is(value, -0)) return '-0.0';
  const [mantissa, exponent] = value.toExponential().split('e') as [string, string];
  const power = Number(exponent);
  if (power < -4 || power >= 16)
    return `${mantissa}e${power < 0 ? '-' : '+'}${String(Math.abs(power)).padStart(2, '0')}`;
  const text = String(value).includes('e') ? value.toFixed(20).replace(/0+$/, '') : String(value);
  return /[.]/.test(text) ? text : `${text}.0`;
}

const ESCAPES: Record<string, string> = { '\n': '\\n', '\r': '\\r', '\t': '\\t', '\\': '\\\\' };

/** A text in quotes, with what cannot be printed escaped. */
function textRepr(of: Text): Text {
  const quote = of.text.includes("'") && !of.text.includes('"') ? '"' : "'";
  const inner = mapText(of, (text) =>
    text.replace(/['"\\]|[^\x20-\x7e]/gu, (character) => {
      if (character === quote) return `\\${quote}`;
      if (character === "'" || character === '"') return character;
      if (ESCAPES[character]) return ESCAPES[character];
      if (/\p{Cn}/u.test(character)) refuse('printing a character that Unicode does not assign, in a list');
      if (!/[\p{C}\p{Z}]/u.test(character)) return character;
      const code = character.codePointAt(0)!;
      const [letter, digits] = code < 0x100 ? ['x', 2] : code < 0x10000 ? ['u', 4] : ['U', 8];
      return `\\${letter}${code.toString(16).padStart(digits as number, '0')}`;
    }),
  );
  return concat([str(quote), inner, str(quote)]);
}

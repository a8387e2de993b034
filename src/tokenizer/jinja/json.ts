import { bind, textArgument, wholeArgument } from './arguments.js';
import type { Budget } from './budget.js';
import { createBuilder } from './builder.js';
import { fail, refuse } from './errors.js';
import { order } from './operators.js';
import { DEEPEST_VALUE, floatRepr } from './print.js';
import { concat, mapText, type Text } from './text.js';
import { type ArgumentValues, isText, numberOf, type Sequence, str, truth, typeName, type Value } from './values.js';

interface Style {
  readonly ascii: boolean;
  readonly indent?: string;
  readonly item: string;
  readonly colon: string;
  readonly sorted: boolean;
}

/** The filter `tojson` as transformers has it: Python's `json.dumps`, which does not escape HTML. */
export function toJson(value: Value, args: ArgumentValues, budget: Budget): Text {
  const style = styleOf(args, budget);
  const { put, done } = createBuilder(budget);
  write(value, 0);
  return done();

  function write(item: Value, depth: number): undefined {
    if (depth > DEEPEST_VALUE) refuse(`tojson of more than ${DEEPEST_VALUE} levels`);
    budget.step();
    if (item === null) return put('null');
    if (typeof item === 'boolean') return put(item ? 'true' : 'false');
    if (typeof item === 'number') return put(String(item));
    if (item.kind === 'float') return put(floatRepr(item.value));
    if (item.kind === 'text') return put(quoted(item, style.ascii));
    const inner = (open: string, close: string, elements: readonly (() => undefined)[]): undefined => {
      put(open);
      for (const [i, element] of elements.entries()) {
        const space = style.indent === undefined ? '' : `\n${style.indent.repeat(depth + 1)}`;
        put(`${i > 0 ? style.item : ''}${space}`);
        element();
      }
      if (style.indent !== undefined && elements.length > 0) put(`\n${style.indent.repeat(depth)}`);
      put(close);
    };
    if (item.kind === 'list' || item.kind === 'tuple')
      return inner(
        '[',
        ']',
        item.items.map((element) => () => write(element, depth + 1)),
      );
    if (item.kind !== 'dict') fail(`Object of type ${typeName(item)} is not JSON serializable`);
    const pairs = [...item.entries.values()];
    if (style.sorted) pairs.sort((a, b) => order(a[0], b[0], budget));
    inner(
      '{',
      '}',
      pairs.map(([key, element]) => (): undefined => {
        put(quoted(keyText(key), style.ascii));
        put(style.colon);
        write(element, depth + 1);
      }),
    );
  }
}

function styleOf(args: ArgumentValues, budget: Budget): Style {
  const bound = bind('tojson', args, ['ensure_ascii', 'indent', 'separators', 'sort_keys']);
  const { indent = null, separators = null } = bound;
  const width =
    indent === null
      ? undefined
      : isText(indent)
        ? textArgument('tojson', indent).text
        : Math.max(0, wholeArgument('tojson', indent));
  if (typeof width === 'number') budget.size(width);
  const pair =
    separators === null
      ? undefined
      : ['list', 'tuple'].includes((separators as Sequence).kind)
        ? (separators as Sequence).items
        : fail('separators must be two texts');
  if (pair && pair.length !== 2) fail('separators must be two texts');
  return {
    ascii: truth(bound.ensure_ascii ?? false),
    ...(width !== undefined && { indent: typeof width === 'number' ? ' '.repeat(width) : width }),
    item: pair ? textArgument('tojson', pair[0]!).text : width === undefined ? ', ' : ',',
    colon: pair ? textArgument('tojson', pair[1]!).text : ': ',
    sorted: truth(bound.sort_keys ?? false),
  };
}

/** A key as JSON writes it. */
function keyText(key: Value): Text {
  if (isText(key)) return key;
  if (key === null) return str('null');
  if (typeof key === 'boolean') return str(key ? 'true' : 'false');
  const number = numberOf(key) ?? fail(`keys must be str, int, float, bool or None, not ${typeName(key)}`);
  return str(typeof key === 'number' ? String(key) : floatRepr(number));
}

const SHORT: Record<string, string> = {
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\b': '\\b',
  '\f': '\\f',
  '"': '\\"',
  '\\': '\\\\',
};

function quoted(of: Text, ascii: boolean): Text {
  const unit = (character: string) =>
    SHORT[character] ??
    (!ascii && character > '\x1f' ? character : undefined) ??
    [...Array(character.length).keys()]
      .map((i) => `\\u${character.charCodeAt(i).toString(16).padStart(4, '0')}`)
      .join('');
  const pattern = ascii ? /["\\]|[^\x20-\x7e]/gu : /["\\\p{Cc}]/gu;
  return concat([str('"'), mapText({ ...of }, (text) => text.replace(pattern, unit)), str('"')]);
}

import type { Expression } from './ast.js';
import { fail, refuse } from './errors.js';
import { current, describe, expect, isNext, LONGEST, skipIf, type TokenStream } from './stream.js';

/** What `next` reads, once or joined by operators from the left. */
export function chain(
  next: () => Expression,
  operator: () => string | undefined,
  join: (op: string, left: Expression, right: Expression) => Expression,
) {
  let left = next();
  for (let i = 0; ; i++) {
    const op = operator();
    if (op === undefined) return left;
    if (i > LONGEST) refuse('so long an expression');
    left = join(op, left, next());
  }
}

/** Takes a keyword that joins expressions. */
export const keyword = (stream: TokenStream, word: string) => () => (skipIf(stream, 'name', word) ? word : undefined);

/** Takes one of these operators. */
export const operators =
  (stream: TokenStream, ...wanted: string[]) =>
  () => {
    const token = current(stream);
    if (token.type !== 'operator' || !wanted.includes(token.value)) return undefined;
    stream.at++;
    return token.value;
  };

/** An operator with two operands, as a node. */
export const binary =
  (stream: TokenStream) =>
  (op: string, left: Expression, right: Expression): Expression => ({
    type: 'binary',
    op,
    left,
    right,
    line: current(stream).line,
  });

/** Items up to the closing bracket, with commas between them and perhaps one after the last. */
export function parseItems<T>(stream: TokenStream, close: string, parse: () => T): T[] {
  const items: T[] = [];
  while (!skipIf(stream, 'operator', close)) {
    if (items.length > 0) {
      expect(stream, 'operator', ',');
      if (skipIf(stream, 'operator', close)) break;
    }
    items.push(parse());
  }
  return items;
}

/** How a tuple is read: names only, without `if`, up to a word, in parentheses. */
export interface TupleOptions {
  readonly conditional?: boolean;
  readonly until?: string;
  readonly parentheses?: boolean;
}

/** One item, or several with commas between them, which make a tuple. */
export function parseTupleOf(
  stream: TokenStream,
  { until, parentheses }: TupleOptions,
  parse: () => Expression,
): Expression {
  const items: Expression[] = [];
  let several = false;
  for (;;) {
    if (items.length > 0) expect(stream, 'operator', ',');
    const next = current(stream);
    if (next.type === 'variable end' || next.type === 'block end' || isNext(stream, 'operator', ')')) break;
    if (until !== undefined && isNext(stream, 'name', until)) break;
    items.push(parse());
    if (!isNext(stream, 'operator', ',')) break;
    several = true;
  }
  if (!several && items.length > 0) return items[0]!;
  if (!several && !parentheses) fail(`expected an expression, found ${describe(current(stream))}`);
  return { type: 'tuple', items };
}

/** A name, perhaps with dots in it. */
export function dottedName(stream: TokenStream): string {
  let name = expect(stream, 'name').value as string;
  while (skipIf(stream, 'operator', '.')) name += `.${expect(stream, 'name').value}`;
  return name;
}

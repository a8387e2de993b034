import type { Applied, Call, CallArguments, Expression } from './ast.js';
import { fail, refuse } from './errors.js';
import type { Token } from './lexer.js';
import {
  binary,
  chain,
  dottedName,
  keyword,
  operators,
  parseItems,
  parseTupleOf,
  type TupleOptions,
} from './sequences.js';
import { current, deeper, describe, expect, isNext, LONGEST, skipIf, type TokenStream } from './stream.js';
import { float, str } from './values.js';

/** An expression, `a if b else c` among them unless it is left out. */
export const parseExpression = (stream: TokenStream, conditional = true): Expression =>
  deeper(stream, () => (conditional ? parseConditional(stream) : parseOr(stream)));

function parseConditional(stream: TokenStream): Expression {
  let then = parseOr(stream);
  for (let i = 0; skipIf(stream, 'name', 'if'); i++) {
    if (i > LONGEST) refuse('so long an expression');
    const test = parseOr(stream);
    const otherwise = skipIf(stream, 'name', 'else') ? deeper(stream, () => parseConditional(stream)) : undefined;
    then = { type: 'if', test, then, ...(otherwise && { otherwise }) };
  }
  return then;
}

const parseOr = (stream: TokenStream): Expression =>
  chain(
    () => parseAnd(stream),
    keyword(stream, 'or'),
    (_, left, right) => ({ type: 'or', left, right }),
  );

const parseAnd = (stream: TokenStream): Expression =>
  chain(
    () => parseNot(stream),
    keyword(stream, 'and'),
    (_, left, right) => ({ type: 'and', left, right }),
  );

function parseNot(stream: TokenStream): Expression {
  if (!skipIf(stream, 'name', 'not')) return parseCompare(stream);
  return { type: 'not', operand: deeper(stream, () => parseNot(stream)) };
}

const COMPARISONS = new Set(['==', '!=', '<', '<=', '>', '>=']);

function parseCompare(stream: TokenStream): Expression {
  const { line } = current(stream);
  const first = parseSum(stream);
  const rest: [string, Expression][] = [];
  for (;;) {
    const token = current(stream);
    if (token.type === 'operator' && COMPARISONS.has(token.value)) stream.at++;
    else if (isNext(stream, 'name', 'in')) stream.at++;
    else if (isNext(stream, 'name', 'not') && isNext(stream, 'name', 'in', 1)) stream.at += 2;
    else break;
    rest.push([token.value as string, parseSum(stream)]);
  }
  return rest.length === 0 ? first : { type: 'compare', first, rest, line };
}

const parseSum = (stream: TokenStream): Expression =>
  chain(() => parseConcat(stream), operators(stream, '+', '-'), binary(stream));

function parseConcat(stream: TokenStream): Expression {
  const items = [parseProduct(stream)];
  while (skipIf(stream, 'operator', '~')) items.push(parseProduct(stream));
  return items.length === 1 ? items[0]! : { type: 'concat', items };
}

const parseProduct = (stream: TokenStream): Expression =>
  chain(() => parsePower(stream), operators(stream, '*', '/', '//', '%'), binary(stream));

const parsePower = (stream: TokenStream): Expression =>
  chain(() => parseUnary(stream), operators(stream, '**'), binary(stream));

function parseUnary(stream: TokenStream, withFilter = true): Expression {
  let node: Expression;
  if (skipIf(stream, 'operator', '-'))
    node = { type: 'negative', operand: deeper(stream, () => parseUnary(stream, false)) };
  else if (skipIf(stream, 'operator', '+'))
    node = { type: 'positive', operand: deeper(stream, () => parseUnary(stream, false)) };
  else node = parsePrimary(stream);
  node = parsePostfix(stream, node);
  return withFilter ? parseFilters(stream, node) : node;
}

const CONSTANTS: Record<string, true | false | null> = {
  true: true,
  True: true,
  false: false,
  False: false,
  none: null,
  None: null,
};

/** Whether a name stands for a constant. */
export const isConstant = (name: string): boolean => Object.hasOwn(CONSTANTS, name);

/** A name, a constant, or something in brackets. */
export function parsePrimary(stream: TokenStream): Expression {
  const token = current(stream);
  switch (token.type) {
    case 'name':
      stream.at++;
      if (isConstant(token.value)) return { type: 'const', value: CONSTANTS[token.value]! };
      return { type: 'name', name: token.value, line: token.line };
    case 'string': {
      let text = '';
      for (let next: Token = token; next.type === 'string'; next = current(stream)) {
        text += next.value;
        stream.at++;
      }
      return { type: 'const', value: str(text) };
    }
    case 'integer':
      stream.at++;
      return { type: 'const', value: token.value };
    case 'float':
      stream.at++;
      return { type: 'const', value: float(token.value) };
    case 'operator':
      if (skipIf(stream, 'operator', '(')) {
        const inner = parseTuple(stream, { parentheses: true });
        expect(stream, 'operator', ')');
        return inner;
      }
      if (skipIf(stream, 'operator', '['))
        return { type: 'list', items: parseItems(stream, ']', () => parseExpression(stream)) };
      if (skipIf(stream, 'operator', '{'))
        return {
          type: 'dict',
          pairs: parseItems(stream, '}', () => {
            const key = parseExpression(stream);
            expect(stream, 'operator', ':');
            return [key, parseExpression(stream)] as const;
          }),
        };
  }
  return fail(`unexpected ${describe(token)}`);
}

/** One expression, or several with commas between, which make a tuple. */
export function parseTuple(stream: TokenStream, options: TupleOptions = {}): Expression {
  return parseTupleOf(stream, options, () => parseExpression(stream, options.conditional ?? true));
}

function parsePostfix(stream: TokenStream, from: Expression): Expression {
  let node = from;
  for (let i = 0; i <= LONGEST; i++) {
    if (isNext(stream, 'operator', '.') || isNext(stream, 'operator', '[')) node = parseSubscript(stream, node);
    else if (isNext(stream, 'operator', '(')) node = parseCall(stream, node);
    else return node;
  }
  return refuse('so long an expression');
}

function parseFilters(stream: TokenStream, from: Expression): Expression {
  let node = from;
  for (let i = 0; i <= LONGEST; i++) {
    if (isNext(stream, 'operator', '|')) node = parseFilter(stream, node)!;
    else if (isNext(stream, 'name', 'is')) node = parseTest(stream, node);
    else if (isNext(stream, 'operator', '(')) node = parseCall(stream, node);
    else return node;
  }
  return refuse('so long an expression');
}

function parseSubscript(stream: TokenStream, object: Expression): Expression {
  const { line } = current(stream);
  if (skipIf(stream, 'operator', '.')) {
    const token = current(stream);
    stream.at++;
    if (token.type === 'name') return { type: 'attribute', object, name: token.value, line };
    if (token.type !== 'integer') fail(`expected a name or a number after ".", found ${describe(token)}`);
    return { type: 'item', object, index: { type: 'const', value: token.value as number }, line };
  }
  expect(stream, 'operator', '[');
  const items: Expression[] = [];
  while (!skipIf(stream, 'operator', ']')) {
    if (items.length > 0) expect(stream, 'operator', ',');
    const start = isNext(stream, 'operator', ':') ? undefined : parseExpression(stream);
    if (isNext(stream, 'operator', ':')) {
      if (items.length > 0) refuse('a slice among several indices');
      return parseSlice(stream, object, start, line);
    }
    items.push(start!);
  }
  return { type: 'item', object, index: items.length === 1 ? items[0]! : { type: 'tuple', items }, line };
}

function parseSlice(stream: TokenStream, object: Expression, start: Expression | undefined, line: number): Expression {
  const bound = () => {
    if (!skipIf(stream, 'operator', ':')) return undefined;
    const none = isNext(stream, 'operator', ':') || isNext(stream, 'operator', ']') || isNext(stream, 'operator', ',');
    return none ? undefined : parseExpression(stream);
  };
  const stop = bound();
  const step = bound();
  if (isNext(stream, 'operator', ',')) refuse('a slice among several indices');
  expect(stream, 'operator', ']');
  return { type: 'slice', object, bounds: [start, stop, step], line };
}

function parseCall(stream: TokenStream, callee: Expression): Call {
  const { line } = current(stream);
  return { type: 'call', callee, args: parseArguments(stream), line };
}

const NO_ARGUMENTS: CallArguments = { positional: [], named: [] };

function parseArguments(stream: TokenStream): CallArguments {
  expect(stream, 'operator', '(');
  const positional: Expression[] = [];
  const named: [string, Expression][] = [];
  let rest: Expression | undefined;
  let restNamed: Expression | undefined;
  const ensure = (holds: boolean) => {
    if (!holds) fail('invalid syntax for function call expression');
  };
  for (let first = true; !skipIf(stream, 'operator', ')'); first = false) {
    if (!first) {
      expect(stream, 'operator', ',');
      if (skipIf(stream, 'operator', ')')) break;
    }
    const token = current(stream);
    if (skipIf(stream, 'operator', '*')) {
      ensure(rest === undefined && restNamed === undefined);
      rest = parseExpression(stream);
    } else if (skipIf(stream, 'operator', '**')) {
      ensure(restNamed === undefined);
      restNamed = parseExpression(stream);
    } else if (token.type === 'name' && isNext(stream, 'operator', '=', 1)) {
      ensure(restNamed === undefined);
      if (named.some(([name]) => name === token.value)) fail(`the argument ${token.value} is given twice`);
      stream.at += 2;
      named.push([token.value, parseExpression(stream)]);
    } else {
      ensure(rest === undefined && restNamed === undefined && named.length === 0);
      positional.push(parseExpression(stream));
    }
  }
  return { positional, named, ...(rest && { rest }), ...(restNamed && { restNamed }) };
}

/** Filters, one after another. `inline`: the first stands without a bar, as in filter blocks. */
export function parseFilter(stream: TokenStream, operand: Expression | null, inline = false): Applied | null {
  let node: Applied | null = null;
  for (let i = 0; (i === 0 && inline) || skipIf(stream, 'operator', '|'); i++) {
    if (i > LONGEST) refuse('so long an expression');
    const { line } = current(stream);
    const name = dottedName(stream);
    const args = isNext(stream, 'operator', '(') ? parseArguments(stream) : NO_ARGUMENTS;
    node = { type: 'filter', name, operand: node ?? operand, args, line };
  }
  return node;
}

function parseTest(stream: TokenStream, operand: Expression): Expression {
  const { line } = expect(stream, 'name', 'is');
  const negated = skipIf(stream, 'name', 'not');
  const name = dottedName(stream);
  const node: Applied = { type: 'test', name, operand, args: testArguments(stream), line };
  return negated ? { type: 'not', operand: node } : node;
}

function testArguments(stream: TokenStream): CallArguments {
  const token = current(stream);
  if (isNext(stream, 'operator', '(')) return parseArguments(stream);
  const begins =
    token.type === 'name'
      ? !['else', 'or', 'and'].includes(token.value)
      : ['string', 'integer', 'float'].includes(token.type) ||
        (token.type === 'operator' && '[{'.includes(token.value));
  if (!begins) return NO_ARGUMENTS;
  if (isNext(stream, 'name', 'is')) fail('tests cannot follow one another with "is"');
  return { positional: [deeper(stream, () => parsePostfix(stream, parsePrimary(stream)))], named: [] };
}

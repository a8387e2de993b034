import type { Expression, If, Macro, Name, Scoped, Statement, Target } from './ast.js';
import { fail, refuse, withLine } from './errors.js';
import { parseExpression, parseFilter, parseTuple } from './expressions.js';
import { tokenize } from './lexer.js';
import { current, deeper, describe, expect, isNext, skipIf, type TokenStream } from './stream.js';
import { parseTarget } from './targets.js';

/** Most loops inside one another: Python allows twenty blocks. */
const LOOPS = 18;

/** Where a statement stands: in how many loops of its function. */
interface Place {
  readonly loops: number;
}

/** A template read from its source; errors carry the line. */
export function parse(source: string): Statement[] {
  const stream: TokenStream = { tokens: tokenize(source), at: 0, depth: 0 };
  try {
    return parseBody(stream, [], { loops: 0 });
  } catch (error) {
    throw withLine(error, current(stream).line);
  }
}

/** Statements up to one of these end words, whose tag has begun then. */
function parseBody(stream: TokenStream, ends: readonly string[], place: Place): Statement[] {
  return deeper(stream, () => {
    const body: Statement[] = [];
    for (;;) {
      const token = current(stream);
      if (token.type === 'end of template') {
        if (ends.length > 0)
          fail(`expected ${ends.map((end) => `{% ${end} %}`).join(' or ')}, found the end of the template`);
        return body;
      }
      stream.at++;
      if (token.type === 'data') body.push({ type: 'data', text: token.value });
      else if (token.type === 'variable begin') {
        body.push({ type: 'print', value: parseTuple(stream), line: token.line });
        expect(stream, 'variable end');
      } else {
        const word = current(stream);
        if (word.type === 'name' && ends.includes(word.value)) return body;
        body.push(...parseStatement(stream, place));
        expect(stream, 'block end');
      }
    }
  });
}

/** The body of a block, after its head; the end word is taken. */
function parseBlock(stream: TokenStream, ends: readonly string[], place: Place): { body: Statement[]; end: string } {
  skipIf(stream, 'operator', ':');
  expect(stream, 'block end');
  const body = parseBody(stream, ends, place);
  return { body, end: expect(stream, 'name').value as string };
}

const UNSUPPORTED = ['block', 'extends', 'include', 'from', 'import', 'autoescape'];

type Parser = (stream: TokenStream, line: number, place: Place) => Statement[];

const PARSERS: Record<string, Parser> = {
  if: (stream, _, place) => [parseIf(stream, place)],
  for: parseFor,
  set: parseSet,
  macro(stream, line) {
    const name = parseName(stream);
    return [{ type: 'macro', name, macro: parseMacro(stream, name.name, 'endmacro'), line }];
  },
  call(stream, line) {
    const { args, defaults } = isNext(stream, 'operator', '(') ? parseSignature(stream) : { args: [], defaults: [] };
    const call = parseExpression(stream);
    if (call.type !== 'call') return fail('expected a call after {% call %}');
    const { body } = parseBlock(stream, ['endcall'], { loops: 0 });
    return [{ type: 'call block', call, macro: checked({ name: null, args, defaults, body }), line }];
  },
  generation(stream, line) {
    const { body } = parseBlock(stream, ['endgeneration'], { loops: 0 });
    return [{ type: 'generation', macro: checked({ name: null, args: [], defaults: [], body }), line }];
  },
  filter(stream, line, place) {
    const filter = parseFilter(stream, null, true)!;
    return [{ type: 'filter block', filter, body: parseBlock(stream, ['endfilter'], place).body, line }];
  },
  with: (stream, _, place) => [parseWith(stream, place)],
  print(stream, line) {
    const printed: Statement[] = [];
    while (current(stream).type !== 'block end') {
      if (printed.length > 0) expect(stream, 'operator', ',');
      printed.push({ type: 'print', value: parseExpression(stream), line });
    }
    return printed;
  },
  break: (_, __, place) => [leave('break', place)],
  continue: (_, __, place) => [leave('continue', place)],
};

function parseStatement(stream: TokenStream, place: Place): Statement[] {
  const { type, value, line } = current(stream);
  if (type !== 'name') fail(`expected the name of a tag, found ${describe(current(stream))}`);
  stream.at++;
  if (UNSUPPORTED.includes(value)) refuse(`the tag {% ${value} %}`);
  const parser = Object.hasOwn(PARSERS, value) ? PARSERS[value] : undefined;
  return parser ? parser(stream, line, place) : fail(`the tag {% ${value} %} is not known or not expected here`);
}

function leave(type: 'break' | 'continue', { loops }: Place): Statement {
  return loops > 0 ? { type } : fail(`{% ${type} %} stands outside of a loop`);
}

function parseIf(stream: TokenStream, place: Place): If {
  const branches: If['branches'][number][] = [];
  for (;;) {
    const test = parseTuple(stream, { conditional: false });
    const { body, end } = parseBlock(stream, ['elif', 'else', 'endif'], place);
    branches.push({ test, body });
    if (end === 'elif') continue;
    return { type: 'if', branches, otherwise: end === 'else' ? parseBlock(stream, ['endif'], place).body : [] };
  }
}

function parseFor(stream: TokenStream, line: number, place: Place): Statement[] {
  const start = stream.at;
  const target = parseTarget(stream, { until: 'in' });
  const again = { ...stream, at: start };
  const testTarget = parseTarget(again, { until: 'in' });
  expect(stream, 'name', 'in');
  const over = parseTuple(stream, { conditional: false, until: 'recursive' });
  const test = skipIf(stream, 'name', 'if') ? parseExpression(stream) : undefined;
  if (isNext(stream, 'name', 'recursive')) refuse('a recursive loop');
  if (place.loops >= LOOPS) refuse(`a nesting of more than ${LOOPS} loops`);
  const { body, end } = parseBlock(stream, ['endfor', 'else'], { loops: place.loops + 1 });
  const otherwise = end === 'else' ? parseBlock(stream, ['endfor'], place).body : [];
  const loop: Name = { type: 'name', name: 'loop', line };
  const parts = { target, testTarget, over, ...(test && { test }), body, otherwise, loop, line };
  if ([...namesIn(target), ...body.flatMap(storedIn), ...otherwise.flatMap(storedIn)].includes('loop'))
    fail('a loop assigns to its own variable "loop"');
  return [{ type: 'for', ...parts }];
}

/** The names that a target assigns to. */
function namesIn(target: Target): string[] {
  if (target.type === 'name') return [target.name];
  return target.type === 'targets' ? target.items.flatMap(namesIn) : [];
}

/** The names that a statement and what stands in it assign to. */
function storedIn(statement: Statement): string[] {
  const inside = bodies(statement).flat().flatMap(storedIn);
  if (statement.type === 'set' || statement.type === 'set block' || statement.type === 'for')
    inside.push(...namesIn(statement.target));
  return inside;
}

/** The bodies of a statement. */
function bodies(statement: Statement): (readonly Statement[])[] {
  if (statement.type === 'if') return [...statement.branches.map(({ body }) => body), statement.otherwise];
  if (statement.type === 'for') return [statement.body, statement.otherwise];
  if ('macro' in statement) return [statement.macro.body];
  return 'body' in statement ? [statement.body] : [];
}

function parseSet(stream: TokenStream, line: number, place: Place): Statement[] {
  const target = parseTarget(stream, { fields: true });
  if (skipIf(stream, 'operator', '=')) return [{ type: 'set', target, value: parseTuple(stream), line }];
  const filter = parseFilter(stream, null);
  const { body } = parseBlock(stream, ['endset'], place);
  return [{ type: 'set block', target, ...(filter && { filter }), body, line }];
}

function parseWith(stream: TokenStream, place: Place): Scoped {
  const targets: Target[] = [];
  const values: Expression[] = [];
  while (current(stream).type !== 'block end') {
    if (targets.length > 0) expect(stream, 'operator', ',');
    targets.push(parseTarget(stream));
    expect(stream, 'operator', '=');
    values.push(parseExpression(stream));
  }
  return { type: 'with', targets, values, body: parseBlock(stream, ['endwith'], place).body };
}

function parseName(stream: TokenStream): Name {
  const target = parseTarget(stream, { single: true });
  return target.type === 'name' ? target : fail('expected a name');
}

function parseSignature(stream: TokenStream): Pick<Macro, 'args' | 'defaults'> {
  const args: Name[] = [];
  const defaults: Expression[] = [];
  expect(stream, 'operator', '(');
  while (!skipIf(stream, 'operator', ')')) {
    if (args.length > 0) expect(stream, 'operator', ',');
    const arg = parseName(stream);
    if (args.some(({ name }) => name === arg.name)) fail(`the parameter ${arg.name} is declared twice`);
    if (SPECIAL.includes(arg.name)) refuse(`the parameter name ${arg.name}`);
    if (skipIf(stream, 'operator', '=')) defaults.push(parseExpression(stream));
    else if (defaults.length > 0) fail(`the parameter ${arg.name} without a default follows one with a default`);
    args.push(arg);
  }
  return { args, defaults };
}

const SPECIAL: readonly string[] = ['caller', 'kwargs', 'varargs'];

function parseMacro(stream: TokenStream, name: string, end: string): Macro {
  const signature = parseSignature(stream);
  const { body } = parseBlock(stream, [end], { loops: 0 });
  return checked({ name, ...signature, body });
}

/** Refuses macros that assign to names with a meaning of their own there. */
function checked(macro: Macro): Macro {
  const taken = macro.body.flatMap(storedIn).find((name) => SPECIAL.includes(name));
  return taken === undefined ? macro : refuse(`assigning to ${taken} in a macro`);
}

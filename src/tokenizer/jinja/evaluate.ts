import { getAttribute, getItem, getSlice } from './access.js';
import type { CallArguments, Expression, Loads, Name, SlotRef } from './ast.js';
import { type Budget, ELEMENT } from './budget.js';
import { fail, refuse } from './errors.js';
import { applyFilter } from './filters.js';
import { callValue } from './globals.js';
import { iterate } from './iterate.js';
import { binary, compare, unary } from './operators.js';
import { toText } from './print.js';
import { applyTest } from './tests.js';
import { concat } from './text.js';
import { type ArgumentValues, dict, isText, list, missing, truth, tuple, typeName, type Value } from './values.js';

/**
 * The slots of a function that runs, and those of the function that it stands in. A slot that holds
 * nothing is missing.
 */
export interface Frame {
  readonly slots: Map<string, Value | undefined>;
  readonly depth: number;
  readonly outer?: Frame;
}

/** What a whole rendering shares. */
export interface Rendering {
  readonly budget: Budget;
  /** A variable or function by name. */
  readonly variable: (name: string) => Value | undefined;
  /** The line that is worked on, for messages. */
  line: number;
  /** How many macros are at work inside one another. */
  calls: number;
}

function frameOf(frame: Frame, depth: number): Frame {
  let at = frame;
  while (at.depth > depth) at = at.outer!;
  return at;
}

/** What a slot holds. */
export const read = (frame: Frame, ref: SlotRef): Value | undefined => frameOf(frame, ref.depth).slots.get(ref.slot);

/** Fills a slot. */
export const write = (frame: Frame, ref: SlotRef, value: Value): undefined =>
  void frameOf(frame, ref.depth).slots.set(ref.slot, value);

/** Fills the slots of a scope that is entered. */
export function enter(loads: Loads, frame: Frame, run: Rendering): undefined {
  run.budget.step(loads.length);
  for (const [slot, load] of loads) {
    if (load.kind === 'variable') frame.slots.set(slot, run.variable(load.name));
    else if (load.kind === 'alias') frame.slots.set(slot, read(frame, load.ref));
    else if (load.kind === 'empty') frame.slots.set(slot, undefined);
  }
}

/** Empties the slots of a scope that is left. */
export function leave(loads: Loads, frame: Frame): undefined {
  for (const [slot] of loads) frame.slots.set(slot, undefined);
}

/** The value of an expression. */
export function evaluate(node: Expression, frame: Frame, run: Rendering): Value {
  run.budget.step();
  switch (node.type) {
    case 'const':
      return node.value;
    case 'name':
      return present(read(frame, node.ref!), node);
    case 'attribute':
      return at(node.line, run, () => getAttribute(evaluate(node.object, frame, run), node.name, run.budget));
    case 'item': {
      const object = evaluate(node.object, frame, run);
      const index = evaluate(node.index, frame, run);
      return at(node.line, run, () => getItem(object, index, run.budget));
    }
    case 'and': {
      const left = evaluate(node.left, frame, run);
      return truth(left) ? evaluate(node.right, frame, run) : left;
    }
    case 'or': {
      const left = evaluate(node.left, frame, run);
      return truth(left) ? left : evaluate(node.right, frame, run);
    }
    case 'not':
      return !truth(evaluate(node.operand, frame, run));
    case 'compare':
      return at(node.line, run, () => comparison(node, frame, run));
    case 'if':
      if (truth(evaluate(node.test, frame, run))) return evaluate(node.then, frame, run);
      return node.otherwise
        ? evaluate(node.otherwise, frame, run)
        : missing('the condition does not hold and there is no else');
    default:
      return made(run.budget, make(node, frame, run));
  }
}

/**
 * What a name holds. A macro may outlive the loop that it reads a variable of: Jinja2 then shows a
 * value of its compiler's.
 */
function present(value: Value | undefined, { name, given }: Name): Value {
  if (value !== undefined) return value;
  return given ? refuse(`the variable "${name}" of a loop that has ended`) : missing(`'${name}' is undefined`);
}

/** Runs a step of a line, for messages. */
function at<T>(line: number, run: Rendering, work: () => T): T {
  run.line = line;
  return work();
}

/** Expressions that make a value. */
function make(
  node: Exclude<
    Expression,
    { type: 'const' | 'name' | 'attribute' | 'item' | 'and' | 'or' | 'not' | 'compare' | 'if' }
  >,
  frame: Frame,
  run: Rendering,
): Value {
  const of = (part: Expression) => evaluate(part, frame, run);
  switch (node.type) {
    case 'list':
      return list(node.items.map(of));
    case 'tuple':
      return tuple(node.items.map(of));
    case 'concat':
      return concat(node.items.map(of).map((item) => toText(item, run.budget)));
    case 'dict':
      return dict(
        node.pairs.map(([key, value]) => [of(key), of(value)] as const),
        run.budget,
      );
    case 'negative':
    case 'positive':
      return unary(node.type, of(node.operand));
    case 'binary': {
      const left = of(node.left);
      const right = of(node.right);
      return at(node.line, run, () => binary(node.op, left, right, run.budget));
    }
    case 'slice': {
      const object = of(node.object);
      const [start = null, stop = null, step = null] = node.bounds.map((bound) => (bound ? of(bound) : null));
      return at(node.line, run, () => getSlice(object, [start, stop, step], run.budget));
    }
    case 'call': {
      const callee = of(node.callee);
      const args = evaluateArguments(node.args, frame, run);
      return at(node.line, run, () => callValue(callee, args));
    }
    case 'filter':
    case 'test':
      return apply(node, of(node.operand!), frame, run);
  }
}

/** Applies a filter or a test to a value. */
export function apply(
  node: Extract<Expression, { type: 'filter' | 'test' }>,
  value: Value,
  frame: Frame,
  run: Rendering,
): Value {
  const args = evaluateArguments(node.args, frame, run);
  run.line = node.line;
  return (node.type === 'filter' ? applyFilter : applyTest)(node.name, value, args, run.budget);
}

function comparison(node: Extract<Expression, { type: 'compare' }>, frame: Frame, run: Rendering): boolean {
  let left = evaluate(node.first, frame, run);
  for (const [op, operand] of node.rest) {
    const right = evaluate(operand, frame, run);
    if (!compare(op, left, right, run.budget)) return false;
    left = right;
  }
  return true;
}

/** The arguments of a call; `caller` is what a call block adds to them. */
export function evaluateArguments(args: CallArguments, frame: Frame, run: Rendering, caller?: Value): ArgumentValues {
  const positional = args.positional.map((arg) => evaluate(arg, frame, run));
  const named = new Map(args.named.map(([name, value]) => [name, evaluate(value, frame, run)]));
  if (caller !== undefined && named.has('caller')) fail('a call block gives "caller" twice');
  if (caller !== undefined) named.set('caller', caller);
  if (args.rest) positional.push(...iterate(evaluate(args.rest, frame, run), run.budget));
  if (args.restNamed) {
    const more = evaluate(args.restNamed, frame, run);
    if (more === null || typeof more !== 'object' || more.kind !== 'dict')
      fail(`** expects a mapping, found ${typeName(more)}`);
    for (const [key, value] of more.entries.values()) {
      if (!isText(key)) fail('keywords must be texts');
      if (named.has(key.text)) fail(`the argument ${key.text} is given twice`);
      named.set(key.text, value);
    }
  }
  return { positional, named };
}

/** Counts a value that was made. */
function made(budget: Budget, value: Value): Value {
  if (value === null || typeof value !== 'object') return value;
  let size = 0;
  if (value.kind === 'text') size = value.text.length + 4 * value.marks.length;
  else if (value.kind === 'list' || value.kind === 'tuple') size = ELEMENT * value.items.length;
  else if (value.kind === 'dict') size = 2 * ELEMENT * value.entries.size;
  budget.size(size);
  budget.spend(size);
  return value;
}

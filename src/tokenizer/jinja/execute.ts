import type { For, If, Macro, Scoped, Statement, Target } from './ast.js';
import { fail, refuse } from './errors.js';
import {
  apply,
  enter,
  evaluate,
  evaluateArguments,
  type Frame,
  leave,
  type Rendering,
  read,
  write,
} from './evaluate.js';
import { callValue, fieldName } from './globals.js';
import { iterate } from './iterate.js';
import { createLoop } from './loop.js';
import { toText } from './print.js';
import { concat, plain, type Text } from './text.js';
import { type ArgumentValues, type Callable, missing, record, truth, tuple, type Value } from './values.js';

/** Most macros at work inside one another; Python gives up at about two hundred. */
const DEEPEST_CALL = 150;

/** Where text goes. */
export interface Output {
  readonly parts: Text[];
  /** Notes what a generation block wrote. */
  readonly generation?: (written: Text) => undefined;
}

/** How a list of statements ended, where a loop was left. */
type Leaving = 'break' | 'continue' | undefined;

/** What running statements needs. */
interface Place {
  readonly frame: Frame;
  readonly run: Rendering;
  readonly out: Output;
  /** Notes a generation block, wherever it stands. */
  readonly generation: (written: Text) => undefined;
}

/** Runs statements. */
export function execute(body: readonly Statement[], place: Place): Leaving {
  for (const statement of body) {
    const leaving = executeStatement(statement, place);
    if (leaving) return leaving;
  }
  return undefined;
}

function executeStatement(node: Statement, place: Place): Leaving {
  const { frame, run, out } = place;
  run.budget.step();
  switch (node.type) {
    case 'data':
      return put(plain(node.text), place);
    case 'print':
      run.line = node.line;
      return put(toText(evaluate(node.value, frame, run), run.budget), place);
    case 'if':
      return executeIf(node, place);
    case 'for':
      return executeFor(node, place);
    case 'set':
      checkFields(node.target, frame);
      assign(node.target, evaluate(node.value, frame, run), frame, run);
      return undefined;
    case 'macro':
      return void write(frame, node.name.ref!, macroValue(node.macro, place));
    case 'call block': {
      const caller = macroValue(node.macro, place);
      const callee = evaluate(node.call.callee, frame, run);
      const args = evaluateArguments(node.call.args, frame, run, caller);
      run.line = node.line;
      return put(toText(callValue(callee, args), run.budget), place);
    }
    case 'generation': {
      const written = callMacro(node.macro, { positional: [], named: new Map() }, place);
      place.generation(written);
      return put(written, place);
    }
    case 'with':
    case 'filter block':
    case 'set block':
      return executeScoped(node, { ...place, out });
    default:
      return node.type;
  }
}

function put(text: Text, { run, out }: Place): undefined {
  run.budget.spend(text.text.length);
  out.parts.push(text);
  return undefined;
}

function executeIf({ branches, otherwise }: If, place: Place): Leaving {
  for (const { test, body } of branches) if (truth(evaluate(test, place.frame, place.run))) return execute(body, place);
  return execute(otherwise, place);
}

function executeScoped(node: Scoped, place: Place): Leaving {
  const { frame, run } = place;
  const values = node.type === 'with' ? node.values : [];
  enter(node.loads!, frame, run);
  if (node.type === 'with') {
    for (const [i, target] of node.targets.entries()) assign(target, evaluate(values[i]!, frame, run), frame, run);
    const leaving = execute(node.body, place);
    if (!leaving) leave(node.loads!, frame);
    return leaving;
  }
  const out: Output = { parts: [] };
  const leaving = execute(node.body, { ...place, out });
  if (leaving) return leaving;
  let value: Value = concat(out.parts);
  if (node.filter) value = applyChain(node.filter, value, place);
  if (node.type === 'filter block') put(toText(value, run.budget), place);
  else {
    checkFields(node.target, frame);
    assign(node.target, value, frame, run);
  }
  leave(node.loads!, frame);
  return undefined;
}

/** Applies the filters of a block, innermost first, to what the block wrote. */
function applyChain(node: Parameters<typeof apply>[0], value: Value, place: Place): Value {
  const operand = node.operand;
  const inner = operand !== null && operand.type === 'filter' ? applyChain(operand, value, place) : value;
  return apply(node, inner, place.frame, place.run);
}

function executeFor(node: For, place: Place): Leaving {
  const { frame, run } = place;
  const over = evaluate(node.over, frame, run);
  const items = node.test ? filtered(node, over, place) : undefined;
  const loop = createLoop(over, items ?? iterate(over, run.budget), items === undefined, run.budget);
  let untouched = true;
  for (let next = loop.next(); !next.done; next = loop.next()) {
    run.budget.step();
    assign(node.target, next.value, frame, run);
    write(frame, node.loop.ref!, loop.value);
    enter(node.loads!, frame, run);
    const leaving = execute(node.body, place);
    if (leaving === 'break') break;
    // As Jinja2 compiles it, only an iteration that comes to its end keeps the loop's else from being written.
    if (!leaving) untouched = false;
  }
  leave(node.loads!, frame);
  if (node.otherwise.length === 0 || !untouched) return undefined;
  enter(node.otherwiseLoads!, frame, run);
  const leaving = execute(node.otherwise, place);
  if (!leaving) leave(node.otherwiseLoads!, frame);
  return leaving;
}

/** The elements for which a loop's condition holds, found while the loop runs. */
function* filtered(node: For, over: Value, { frame, run }: Place): Generator<Value, undefined> {
  const inner: Frame = { slots: new Map(), depth: frame.depth + 1, outer: frame };
  enter(node.testLoads!, inner, run);
  for (const item of iterate(over, run.budget)) {
    assign(node.testTarget, item, inner, run);
    if (truth(evaluate(node.test!, inner, run))) yield item;
  }
  return undefined;
}

/** Refuses to assign to fields of what is no namespace. */
function checkFields(target: Target, frame: Frame): undefined {
  if (target.type === 'targets') for (const item of target.items) checkFields(item, frame);
  if (target.type !== 'field') return;
  const of = read(frame, target.of.ref!);
  if (of === undefined || of === null || typeof of !== 'object' || of.kind !== 'namespace')
    fail(`cannot assign the attribute ${target.name}: ${target.of.name} is no namespace`);
}

function assign(target: Target, value: Value, frame: Frame, run: Rendering): undefined {
  if (target.type === 'name') return write(frame, target.ref!, value);
  if (target.type === 'field') {
    const of = read(frame, target.of.ref!);
    if (of === undefined || of === null || typeof of !== 'object' || of.kind !== 'namespace')
      return fail(`${target.of.name} is no namespace`);
    return void of.fields.set(fieldName(target.name), value);
  }
  const items = [...iterate(value, run.budget)];
  if (items.length !== target.items.length) fail(`${target.items.length} names for ${items.length} values`);
  for (const [i, item] of target.items.entries()) assign(item, items[i]!, frame, run);
}

/** A macro as a value: its body sees the names of the place where it is written. */
function macroValue(macro: Macro, place: Place): Callable {
  const name = macro.name ?? 'caller';
  const print = `<Macro ${macro.name === null ? 'anonymous' : `'${macro.name}'`}>`;
  return { kind: 'callable', name, print, call: (args) => callMacro(macro, args, place) };
}

function callMacro(macro: Macro, args: ArgumentValues, place: Place): Text {
  const { run } = place;
  if (run.calls >= DEEPEST_CALL)
    refuse(`it was stopped because it calls itself too often: a macro more than ${DEEPEST_CALL} deep`);
  const frame: Frame = { slots: new Map(), depth: place.frame.depth + 1, outer: place.frame };
  const absent = bindMacro(macro, args, frame);
  run.calls++;
  enter(macro.loads!, frame, run);
  for (const i of absent) {
    const name = macro.args[i]!;
    const value = macro.defaults[i - macro.args.length + macro.defaults.length];
    write(frame, name.ref!, value ? evaluate(value, frame, run) : missing(`parameter '${name.name}' was not provided`));
  }
  const out: Output = { parts: [] };
  execute(macro.body, { ...place, frame, out });
  run.calls--;
  const written = concat(out.parts);
  run.budget.size(written.text.length);
  return written;
}

/** Fills a macro's parameters; returns which were not given. */
function bindMacro(
  { name, args: parameters, special = {} }: Macro,
  { positional, named }: ArgumentValues,
  frame: Frame,
): number[] {
  const called = name === null ? 'the call block' : `macro '${name}'`;
  const left = new Map(named);
  const absent: number[] = [];
  for (const [i, parameter] of parameters.entries()) {
    const given = i < positional.length ? positional[i] : left.get(parameter.name);
    if (i >= positional.length) left.delete(parameter.name);
    if (given === undefined) absent.push(i);
    else write(frame, parameter.ref!, given);
  }
  if (special.caller) {
    write(frame, special.caller, orMissing(left.get('caller')));
    left.delete('caller');
  }
  if (special.kwargs) write(frame, special.kwargs, record(left));
  else if (left.size > 0) fail(`${called} takes no keyword argument '${[...left.keys()][0]}'`);
  const more = positional.slice(parameters.length);
  if (special.varargs) write(frame, special.varargs, tuple(more));
  else if (more.length > 0) fail(`${called} takes not more than ${parameters.length} arguments`);
  return absent;
}

const orMissing = (caller: Value | undefined): Value =>
  caller === undefined || caller === null ? missing('No caller defined') : caller;

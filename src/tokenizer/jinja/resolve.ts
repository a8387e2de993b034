import type { Applied, Expression, For, Loads, Macro, Name, Scoped, SlotRef, Statement, Target } from './ast.js';
import { fail, refuse } from './errors.js';
import { FILTERS, KNOWN_FILTERS } from './filters.js';
import {
  analyse,
  analyseExpression,
  analyseMacro,
  declare,
  declareTarget,
  findRef,
  innerScope,
  isGiven,
  loadsOf,
  partsOf,
  type Scope,
} from './scopes.js';
import { KNOWN_TESTS, TESTS } from './tests.js';

/** What resolving finds out about a template. */
export interface Facts {
  usesClock: boolean;
}

/**
 * Where something stands: its scope, and whether in an `if`, where an unknown filter only matters
 * when it is reached.
 */
interface Place {
  readonly scope: Scope;
  readonly soft: boolean;
  readonly facts: Facts;
  /** In a parameter's default, where other parameters may still be without a value. */
  readonly inDefault?: boolean;
}

/**
 * Gives every name of a template the slot that it is kept in, and every scope its slots. Returns
 * those of the whole template.
 */
export function resolve(body: readonly Statement[]): { loads: Loads; facts: Facts } {
  const scope = innerScope();
  const facts = { usesClock: false };
  analyse(scope, body);
  resolveBody(body, { scope, soft: false, facts });
  return { loads: loadsOf(scope), facts };
}

function resolveBody(body: readonly Statement[], place: Place): undefined {
  for (const statement of body) resolveStatement(statement, place);
}

function resolveName(node: Name, { scope, facts, inDefault }: Place): undefined {
  if (node.name === 'self') refuse('the variable "self"');
  if (node.name === 'strftime_now') facts.usesClock = true;
  node.ref = findRef(scope, node.name) ?? fail(`the name ${node.name} cannot be used at this place`);
  node.given = !inDefault && isGiven(scope, node.ref);
}

function resolveExpression(node: Expression, place: Place): undefined {
  if (node.type === 'name') return resolveName(node, place);
  if (node.type === 'filter' || node.type === 'test') checkName(node, place.soft);
  const inside = node.type === 'if' ? { ...place, soft: true } : place;
  for (const part of partsOf(node)) resolveExpression(part, inside);
}

/** Refuses filters and tests that are not supported; unknown ones only where Jinja2 does before it runs. */
function checkName({ type, name, line }: Applied, soft: boolean): undefined {
  const [own, known] = type === 'filter' ? [FILTERS, KNOWN_FILTERS] : [TESTS, KNOWN_TESTS];
  if (soft || Object.hasOwn(own, name)) return;
  if (known.includes(name)) refuse(`line ${line}: the ${type} "${name}"`);
  fail(`line ${line}: no ${type} is named "${name}"`);
}

function resolveTarget(target: Target, place: Place): undefined {
  if (target.type === 'name') resolveName(target, place);
  else if (target.type === 'field') resolveName(target.of, place);
  else for (const item of target.items) resolveTarget(item, place);
}

function resolveStatement(node: Statement, place: Place): undefined {
  switch (node.type) {
    case 'print':
      return resolveExpression(node.value, place);
    case 'if': {
      const soft = { ...place, soft: true };
      for (const { test, body } of node.branches) {
        resolveExpression(test, soft);
        resolveBody(body, soft);
      }
      return resolveBody(node.otherwise, soft);
    }
    case 'for':
      return resolveFor(node, place);
    case 'set':
      resolveExpression(node.value, place);
      return resolveTarget(node.target, place);
    case 'macro':
      resolveMacro(node.macro, place);
      return resolveName(node.name, place);
    case 'call block':
      resolveMacro(node.macro, place);
      return resolveExpression(node.call, place);
    case 'generation':
      return resolveMacro(node.macro, place);
    case 'with':
    case 'filter block':
    case 'set block':
      return resolveScoped(node, place);
  }
}

function resolveScoped(node: Scoped, place: Place): undefined {
  const scope = innerScope(place.scope);
  if (node.type === 'with') for (const target of node.targets) declareTarget(scope, target);
  analyse(scope, node.body);
  if (node.type === 'filter block') analyseExpression(scope, node.filter);
  const inside = { ...place, soft: false, scope };
  if (node.type === 'with') {
    for (const target of node.targets) resolveTarget(target, inside);
    for (const value of node.values) resolveExpression(value, place);
  }
  if (node.type === 'set block') resolveTarget(node.target, place);
  resolveBody(node.body, inside);
  if (node.type !== 'with' && node.filter) resolveExpression(node.filter, inside);
  node.loads = loadsOf(scope);
}

function resolveFor(node: For, place: Place): undefined {
  const scope = innerScope(place.scope);
  declare(scope, 'loop');
  declareTarget(scope, node.target);
  analyse(scope, node.body);
  const inside = { ...place, soft: false, scope };
  const otherwise = innerScope(place.scope);
  analyse(otherwise, node.otherwise);
  resolveExpression(node.over, place);
  if (node.test) {
    const testScope = innerScope(place.scope, true);
    declareTarget(testScope, node.testTarget);
    analyseExpression(testScope, node.test);
    resolveTarget(node.testTarget, { ...inside, scope: testScope });
    resolveExpression(node.test, { ...inside, scope: testScope });
    node.testLoads = loadsOf(testScope);
  }
  resolveName(node.loop, inside);
  resolveTarget(node.target, inside);
  resolveBody(node.body, inside);
  resolveBody(node.otherwise, { ...inside, scope: otherwise });
  node.loads = loadsOf(scope);
  node.otherwiseLoads = loadsOf(otherwise);
}

function resolveMacro(macro: Macro, place: Place): undefined {
  const scope = innerScope(place.scope, true);
  analyseMacro(scope, macro);
  const special: { caller?: SlotRef; kwargs?: SlotRef; varargs?: SlotRef } = {};
  for (const name of ['caller', 'kwargs', 'varargs'] as const)
    if (readIn(macro.body, name)) special[name] = declare(scope, name);
  analyseMacro(scope, macro);
  const inside = { ...place, soft: false, scope };
  for (const arg of macro.args) resolveName(arg, inside);
  for (const value of macro.defaults) resolveExpression(value, { ...inside, inDefault: true });
  resolveBody(macro.body, inside);
  macro.special = special;
  macro.loads = loadsOf(scope);
}

/** Whether statements read a name anywhere inside. */
function readIn(body: readonly Statement[], name: string): boolean {
  const inExpression = (node: Expression): boolean =>
    node.type === 'name' ? node.name === name : partsOf(node).some(inExpression);
  return body.some((node): boolean => {
    switch (node.type) {
      case 'print':
      case 'set':
        return inExpression(node.value);
      case 'if':
        return (
          node.branches.some(({ test, body }) => inExpression(test) || readIn(body, name)) ||
          readIn(node.otherwise, name)
        );
      case 'for':
        return (
          [node.over, ...(node.test ? [node.test] : [])].some(inExpression) ||
          readIn([...node.body, ...node.otherwise], name)
        );
      case 'with':
        return node.values.some(inExpression) || readIn(node.body, name);
      case 'filter block':
      case 'set block':
        return (node.filter ? inExpression(node.filter) : false) || readIn(node.body, name);
      case 'macro':
      case 'call block':
      case 'generation':
        return (
          node.macro.defaults.some(inExpression) ||
          (node.type === 'call block' && inExpression(node.call)) ||
          readIn(node.macro.body, name)
        );
      default:
        return false;
    }
  });
}

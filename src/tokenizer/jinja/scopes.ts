import type { CallArguments, Expression, If, Load, Loads, Macro, SlotRef, Statement, Target } from './ast.js';
import { refuse } from './errors.js';

/**
 * The names of one scope, found before anything runs, by the rules of Jinja2's compiler: a name
 * that is assigned anywhere in a scope is that scope's own (in all of it, and in the scopes
 * inside), else it is the scope's outside, else a variable.
 */
export interface Scope {
  readonly level: number;
  /** How many functions deep it stands. */
  readonly depth: number;
  readonly parent?: Scope;
  refs: Map<string, SlotRef>;
  loads: Map<string, Load>;
  stores: Set<string>;
  /** How many names were copied for branches, in all scopes of the template. */
  readonly copied: { count: number };
}

/**
 * Most names that are copied: branches times names, which grow together; those of real templates
 * are some thousands.
 */
const MOST_COPIED = 4_000_000;

/** A scope inside another; `inFunction` when it is the first of a function. */
export function innerScope(parent?: Scope, inFunction = false): Scope {
  const level = parent ? parent.level + 1 : 0;
  const depth = (parent?.depth ?? 0) + (inFunction ? 1 : 0);
  const copied = parent?.copied ?? { count: 0 };
  return { level, depth, ...(parent && { parent }), refs: new Map(), loads: new Map(), stores: new Set(), copied };
}

/** Where a name is kept, seen from a scope. */
export function findRef(scope: Scope | undefined, name: string): SlotRef | undefined {
  for (let at = scope; at; at = at.parent) {
    const ref = at.refs.get(name);
    if (ref) return ref;
  }
  return undefined;
}

/** Whether what a slot holds is given from outside: a parameter or a loop's variable. */
export function isGiven(scope: Scope | undefined, { slot }: SlotRef): boolean {
  for (let at = scope; at; at = at.parent) {
    const found = at.loads.get(slot);
    if (found) return found.kind === 'parameter';
  }
  return false;
}

function define(scope: Scope, name: string, load: Load): SlotRef {
  const ref = { slot: `${scope.level}_${name}`, depth: scope.depth };
  scope.refs.set(name, ref);
  scope.loads.set(ref.slot, load);
  return ref;
}

/** Makes a name one that is given from outside: a parameter, a loop's variable. */
export function declare(scope: Scope, name: string): SlotRef {
  scope.stores.add(name);
  return define(scope, name, { kind: 'parameter' });
}

function store(scope: Scope, name: string): undefined {
  scope.stores.add(name);
  if (scope.refs.has(name)) return;
  const outer = findRef(scope.parent, name);
  define(scope, name, outer ? { kind: 'alias', ref: outer } : { kind: 'empty' });
}

function load(scope: Scope, name: string): undefined {
  if (!findRef(scope, name)) define(scope, name, { kind: 'variable', name });
}

/** The slots of a scope, as they are filled when it is entered. */
export const loadsOf = (scope: Scope): Loads => [...scope.loads];

/** Declares the names of a target as given from outside. */
export function declareTarget(scope: Scope, target: Target): undefined {
  if (target.type === 'name') declare(scope, target.name);
  else if (target.type === 'targets') for (const item of target.items) declareTarget(scope, item);
}

function storeTarget(scope: Scope, target: Target): undefined {
  if (target.type === 'name') store(scope, target.name);
  else if (target.type === 'field') load(scope, target.of.name);
  else for (const item of target.items) storeTarget(scope, item);
}

/** The expressions of arguments. */
const argumentsIn = ({ positional, named, rest, restNamed }: CallArguments): Expression[] => [
  ...positional,
  ...named.map(([, value]) => value),
  ...(rest ? [rest] : []),
  ...(restNamed ? [restNamed] : []),
];

/** The expressions that an expression is made of. */
export function partsOf(node: Expression): readonly Expression[] {
  switch (node.type) {
    case 'const':
    case 'name':
      return [];
    case 'list':
    case 'tuple':
    case 'concat':
      return node.items;
    case 'dict':
      return node.pairs.flat();
    case 'binary':
    case 'and':
    case 'or':
      return [node.left, node.right];
    case 'negative':
    case 'positive':
    case 'not':
      return [node.operand];
    case 'compare':
      return [node.first, ...node.rest.map(([, operand]) => operand)];
    case 'if':
      return [node.test, node.then, ...(node.otherwise ? [node.otherwise] : [])];
    case 'attribute':
      return [node.object];
    case 'item':
      return [node.object, node.index];
    case 'slice':
      return [node.object, ...node.bounds.filter((bound) => bound !== undefined)];
    case 'call':
      return [node.callee, ...argumentsIn(node.args)];
    case 'filter':
    case 'test':
      return [...(node.operand ? [node.operand] : []), ...argumentsIn(node.args)];
  }
}

/** Notes the names that an expression reads. */
export function analyseExpression(scope: Scope, node: Expression): undefined {
  if (node.type === 'name') load(scope, node.name);
  else for (const part of partsOf(node)) analyseExpression(scope, part);
}

/**
 * Notes the names that statements read and assign in their own scope; the insides of blocks with
 * scopes of their own are left out.
 */
export function analyse(scope: Scope, body: readonly Statement[]): undefined {
  for (const statement of body) analyseStatement(scope, statement);
}

function analyseStatement(scope: Scope, node: Statement): undefined {
  switch (node.type) {
    case 'print':
      return analyseExpression(scope, node.value);
    case 'if':
      return analyseIf(scope, node.branches, node.otherwise);
    case 'for':
      return analyseExpression(scope, node.over);
    case 'set':
      analyseExpression(scope, node.value);
      return storeTarget(scope, node.target);
    case 'set block':
      return storeTarget(scope, node.target);
    case 'macro':
      return store(scope, node.macro.name!);
    case 'call block':
      return analyseExpression(scope, node.call);
    case 'filter block':
      return analyseExpression(scope, node.filter);
    case 'with':
      for (const value of node.values) analyseExpression(scope, value);
  }
}

function analyseIf(scope: Scope, branches: If['branches'], otherwise: readonly Statement[]): undefined {
  const [first, ...rest] = branches;
  analyseExpression(scope, first!.test);
  const inner = (work: (copy: Scope) => undefined): Scope => {
    scope.copied.count += scope.refs.size + scope.loads.size + scope.stores.size;
    if (scope.copied.count > MOST_COPIED) refuse('a template with so many branches and names');
    const copy = { ...scope, refs: new Map(scope.refs), loads: new Map(scope.loads), stores: new Set(scope.stores) };
    work(copy);
    return copy;
  };
  merge(scope, [
    inner((copy) => analyse(copy, first!.body)),
    inner((copy) => {
      for (const branch of rest) analyseIf(copy, [branch], []);
    }),
    inner((copy) => analyse(copy, otherwise)),
  ]);
}

/** Takes over what branches found: a name that only some assign is, before, what it is outside. */
function merge(scope: Scope, branches: readonly Scope[]): undefined {
  const stores = new Set(branches.flatMap((branch) => [...branch.stores]));
  for (const name of scope.stores) stores.delete(name);
  for (const branch of branches) {
    for (const [name, ref] of branch.refs) scope.refs.set(name, ref);
    for (const [slot, from] of branch.loads) scope.loads.set(slot, from);
    for (const name of branch.stores) scope.stores.add(name);
  }
  for (const name of stores) {
    const outer = findRef(scope.parent, name);
    scope.loads.set(findRef(scope, name)!.slot, outer ? { kind: 'alias', ref: outer } : { kind: 'variable', name });
  }
}

/** Notes the names of a macro's parameters, defaults and body. */
export function analyseMacro(scope: Scope, { args, defaults, body }: Macro): undefined {
  for (const { name } of args) declare(scope, name);
  for (const value of defaults) analyseExpression(scope, value);
  analyse(scope, body);
}

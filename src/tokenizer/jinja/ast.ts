import type { Value } from './values.js';

/** Where a name is kept: a slot of the function (template, macro, loop filter) that stands `depth` functions deep. */
export interface SlotRef {
  readonly slot: string;
  readonly depth: number;
}

/**
 * A name that is read or written; `ref` is set when scopes are resolved, and `given` where it is a
 * loop's variable or a parameter, which always holds something while its loop or macro runs.
 */
export interface Name {
  readonly type: 'name';
  readonly name: string;
  readonly line: number;
  ref?: SlotRef;
  given?: boolean;
}

/** Arguments of a call, a filter, a test. */
export interface CallArguments {
  readonly positional: readonly Expression[];
  readonly named: readonly (readonly [string, Expression])[];
  /** `*x` */
  readonly rest?: Expression;
  /** `**x` */
  readonly restNamed?: Expression;
}

/** A filter or a test; the operand of a filter block is null. */
export interface Applied {
  readonly type: 'filter' | 'test';
  readonly name: string;
  readonly operand: Expression | null;
  readonly args: CallArguments;
  readonly line: number;
}

/** A call. */
export interface Call {
  readonly type: 'call';
  readonly callee: Expression;
  readonly args: CallArguments;
  readonly line: number;
}

/** An expression. */
export type Expression =
  | { readonly type: 'const'; readonly value: Value }
  | Name
  | { readonly type: 'list' | 'tuple' | 'concat'; readonly items: readonly Expression[] }
  | { readonly type: 'dict'; readonly pairs: readonly (readonly [Expression, Expression])[] }
  | {
      readonly type: 'binary';
      readonly op: string;
      readonly left: Expression;
      readonly right: Expression;
      readonly line: number;
    }
  | { readonly type: 'negative' | 'positive'; readonly operand: Expression }
  | { readonly type: 'not'; readonly operand: Expression }
  | { readonly type: 'and' | 'or'; readonly left: Expression; readonly right: Expression }
  | {
      readonly type: 'compare';
      readonly first: Expression;
      readonly rest: readonly (readonly [string, Expression])[];
      readonly line: number;
    }
  | { readonly type: 'if'; readonly test: Expression; readonly then: Expression; readonly otherwise?: Expression }
  | { readonly type: 'attribute'; readonly object: Expression; readonly name: string; readonly line: number }
  | { readonly type: 'item'; readonly object: Expression; readonly index: Expression; readonly line: number }
  | {
      readonly type: 'slice';
      readonly object: Expression;
      readonly bounds: readonly [Expression | undefined, Expression | undefined, Expression | undefined];
      readonly line: number;
    }
  | Call
  | Applied;

/** What is assigned to: a name, an attribute of a namespace, several of them. */
export type Target =
  | Name
  | { readonly type: 'field'; readonly of: Name; readonly name: string }
  | { readonly type: 'targets'; readonly items: readonly Target[] };

/** How a slot is filled when a scope is entered: from the variables, from a slot outside, by the caller, or not. */
export type Load =
  | { readonly kind: 'variable'; readonly name: string }
  | { readonly kind: 'alias'; readonly ref: SlotRef }
  | { readonly kind: 'parameter' | 'empty' };

/** The slots of a scope. */
export type Loads = readonly (readonly [string, Load])[];

/**
 * A macro, or the body of a call or generation block. `special`: slots of caller, kwargs, varargs
 * where it uses them.
 */
export interface Macro {
  readonly name: string | null;
  readonly args: readonly Name[];
  readonly defaults: readonly Expression[];
  readonly body: readonly Statement[];
  special?: { readonly caller?: SlotRef; readonly kwargs?: SlotRef; readonly varargs?: SlotRef };
  /** The slots of the inside. */
  loads?: Loads;
}

/** A loop. */
export interface For {
  readonly type: 'for';
  readonly target: Target;
  /** The target as the loop's filter sees it. */
  readonly testTarget: Target;
  readonly over: Expression;
  readonly test?: Expression;
  readonly body: readonly Statement[];
  readonly otherwise: readonly Statement[];
  readonly loop: Name;
  readonly line: number;
  loads?: Loads;
  testLoads?: Loads;
  otherwiseLoads?: Loads;
}

/** An if block: branches in order, and what is done where none holds. */
export interface If {
  readonly type: 'if';
  readonly branches: readonly { readonly test: Expression; readonly body: readonly Statement[] }[];
  readonly otherwise: readonly Statement[];
}

/** A block with a scope of names: with, filter, set. */
export type Scoped =
  | {
      readonly type: 'with';
      readonly targets: readonly Target[];
      readonly values: readonly Expression[];
      readonly body: readonly Statement[];
      loads?: Loads;
    }
  | {
      readonly type: 'filter block';
      readonly filter: Applied;
      readonly body: readonly Statement[];
      readonly line: number;
      loads?: Loads;
    }
  | {
      readonly type: 'set block';
      readonly target: Target;
      readonly filter?: Applied;
      readonly body: readonly Statement[];
      readonly line: number;
      loads?: Loads;
    };

/** A statement. */
export type Statement =
  | { readonly type: 'data'; readonly text: string }
  | { readonly type: 'print'; readonly value: Expression; readonly line: number }
  | If
  | For
  | { readonly type: 'set'; readonly target: Target; readonly value: Expression; readonly line: number }
  | { readonly type: 'macro'; readonly macro: Macro; readonly name: Name; readonly line: number }
  | { readonly type: 'call block'; readonly macro: Macro; readonly call: Call; readonly line: number }
  | { readonly type: 'generation'; readonly macro: Macro; readonly line: number }
  | Scoped
  | { readonly type: 'break' | 'continue' };

import type { Budget } from './budget.js';
import { fail } from './errors.js';
import { lengthOf } from './iterate.js';
import { equal } from './operators.js';
import { type ArgumentValues, type Callable, type Loop, missing, type Value } from './values.js';

/** A loop that runs: its elements, and its variable. */
export interface RunningLoop {
  readonly value: Loop;
  next(): IteratorResult<Value, undefined>;
}

type Step = IteratorResult<Value, undefined>;

/** What begins to go through `items`, which come from `over`; `sized` when none of them are left out. */
export function createLoop(
  over: Value,
  items: Iterator<Value, undefined>,
  sized: boolean,
  budget: Budget,
): RunningLoop {
  let source = items;
  let index0 = -1;
  let length: number | undefined;
  let peeked: Step | undefined;
  let current: Value = missing('there is no item');
  let before: Value = current;

  const peek = (): Step => {
    if (!peeked || peeked.done) peeked = source.next();
    return peeked;
  };
  const count = (): number => {
    length ??= sized ? lengthOf(over) : undefined;
    if (length !== undefined) return length;
    const rest = [...{ [Symbol.iterator]: () => source }];
    source = rest[Symbol.iterator]();
    length = rest.length + index0 + 1 + (peeked && !peeked.done ? 1 : 0);
    return length;
  };
  const changed = changes(budget);
  const fields: Record<string, () => Value> = {
    index0: () => index0,
    index: () => index0 + 1,
    length: count,
    revindex: () => count() - index0,
    revindex0: () => count() - index0 - 1,
    first: () => index0 === 0,
    last: () => peek().done === true,
    previtem: () => (index0 === 0 ? missing('there is no previous item') : before),
    nextitem: () => peek().value ?? (peek().done ? missing('there is no next item') : null),
    depth: () => 1,
    depth0: () => 0,
    cycle: () => method('cycle', (values) => cycle(values, index0)),
    changed: () => method('changed', changed),
  };
  return {
    value: { kind: 'loop', get: (name) => (Object.hasOwn(fields, name) ? fields[name]!() : undefined) },
    next() {
      const found = peeked && !peeked.done ? peeked : source.next();
      peeked = undefined;
      if (found.done) return found;
      index0++;
      before = current;
      current = found.value;
      return found;
    },
  };
}

function method(name: string, call: (values: readonly Value[]) => Value): Callable {
  const checked = ({ positional, named }: ArgumentValues) =>
    named.size > 0 ? fail(`${name} takes no keyword arguments`) : call(positional);
  return { kind: 'callable', name, call: checked };
}

function cycle(values: readonly Value[], index: number): Value {
  return values.length === 0 ? fail('no items for cycling given') : values[index % values.length]!;
}

/** Whether the values differ from those of the call before. */
function changes(budget: Budget): (values: readonly Value[]) => boolean {
  let last: readonly Value[] | undefined;
  return (values) => {
    const same = last?.length === values.length && values.every((value, i) => equal(value, last![i]!, budget));
    if (!same) last = values;
    return !same;
  };
}

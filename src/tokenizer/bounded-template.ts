import { Environment, Interpreter, Template } from '@huggingface/jinja';

/** A value of the template language: a text, a list, a mapping by name, or a function of such. */
interface Value {
  readonly type: string;
  readonly value: unknown;
}

/** A node of a parsed template: a name, a member of something, a call. */
interface Node {
  readonly type: string;
  readonly value?: unknown;
  readonly computed?: boolean;
  readonly property?: Node;
  readonly callee?: Node;
}

type Call = (args: Value[], environment: unknown) => Value;

/** The inside of the package's interpreter that is watched here; its type files hide it. */
interface Inside {
  run(program: Template['parsed']): Value;
  evaluate(node: Node | undefined, environment: unknown): Value;
  evaluateArguments(args: readonly Node[], environment: unknown): [Value[], Map<string, Value>];
  applyFilter(operand: Value, filter: Node, environment: unknown): Value;
}

const Base = Interpreter as unknown as new (environment: Environment) => Inside;

/** How much a template may do. */
interface Bounds {
  /** Parts of the template that are evaluated, and elements of lists that they give. */
  readonly work: number;
  /** Characters that are made in all. */
  readonly volume: number;
  /** Characters of one text; of a list, 32 for each element. */
  readonly size: number;
}

/** What a list's element counts for in characters: about its size in memory. */
const ELEMENT = 32;

/** Far above what the templates of published models do, which is a few hundred parts for a turn. */
const boundsFor = (turns: number, characters: number): Bounds => ({
  work: 500_000 + 5000 * turns + 50 * turns * turns,
  volume: 32_000_000 + 1000 * characters,
  size: 1_000_000 + 64 * characters,
});

const stopped = (what: string) =>
  new Error(`it was stopped, for it ${what}; a chat template only writes turns one after another`);

/** Evaluates a template and stops it when it does more than the bounds allow. */
class BoundedInterpreter extends Base {
  private work = 0;
  private volume = 0;
  /** The value that was found last: of a method, the text that it belongs to. */
  private last: Value | undefined;
  /** The filter whose arguments are about to be evaluated. */
  private filter: { readonly name: unknown; readonly parts: number } | undefined;

  constructor(
    environment: Environment,
    private readonly bounds: Bounds,
  ) {
    super(environment);
  }

  override evaluate(node: Node | undefined, environment: unknown): Value {
    if (++this.work > this.bounds.work) throw stopped(`does not end (over ${this.bounds.work} steps)`);
    const value = super.evaluate(node, environment);
    const before = this.last;
    this.last = value;
    // A name stands for what was there or was counted when it was made; of a text only the length is new.
    const named = node?.type === 'Identifier' || (node?.type === 'MemberExpression' && !node.computed);
    switch (value?.type) {
      case 'StringValue':
        this.count((value.value as string).length, named);
        return value;
      case 'ArrayValue':
      case 'TupleValue':
        this.work += (value.value as Value[]).length;
        if (!named) this.count(this.sizeOf(value), false);
        return value;
      case 'ObjectValue':
        if (!named) this.count(this.sizeOf(value), false);
        return value;
      case 'FunctionValue':
        return node?.type === 'MemberExpression' ? this.boundedMethod(value, node, before) : value;
      default:
        return value;
    }
  }

  private count(size: number, named: boolean): void {
    if (size > this.bounds.size) throw stopped(`makes a value of more than ${this.bounds.size} characters`);
    if (!named) this.volume += size;
    if (this.volume > this.bounds.volume) throw stopped(`makes more than ${this.bounds.volume} characters`);
  }

  override applyFilter(operand: Value, filter: Node, environment: unknown): Value {
    const parts = Array.isArray(operand.value) ? operand.value.length : this.sizeOf(operand);
    this.filter = { name: filter.callee?.value, parts };
    return super.applyFilter(operand, filter, environment);
  }

  override evaluateArguments(args: readonly Node[], environment: unknown): [Value[], Map<string, Value>] {
    const { filter } = this;
    this.filter = undefined;
    const found = super.evaluateArguments(args, environment);
    if (filter) this.checkProduct(filter.name, filter.parts, [...found[0], ...found[1].values()]);
    return found;
  }

  /** A method of a text that refuses arguments which would blow the text up. */
  private boundedMethod(method: Value, { property, computed }: Node, of: Value | undefined): Value {
    if (computed) throw stopped('takes a method by a name that it makes');
    const parts = this.sizeOf(of);
    const call = method.value as Call;
    const bounded: Call = (args, environment) => {
      this.checkProduct(property?.value, parts, args);
      return call(args, environment);
    };
    return Object.assign(Object.create(Object.getPrototypeOf(method) as object) as Value, method, { value: bounded });
  }

  /** Refuses what puts an argument, a text or so many blanks, at each of many places. */
  private checkProduct(name: unknown, parts: number, args: readonly Value[]): void {
    if (name !== 'join' && name !== 'replace' && name !== 'indent' && name !== 'tojson') return;
    const [old, ...rest] = args.map(({ value }) =>
      typeof value === 'string' ? value.length : Math.abs(Number(value)) || 0,
    );
    const width = name === 'replace' ? (rest[0] ?? 0) / Math.max(1, old ?? 1) : Math.max(old ?? 0, ...rest);
    if (parts * width > this.bounds.size) throw stopped(`makes a value of more than ${this.bounds.size} characters`);
  }

  /** Characters of a text; of lists and mappings with all that they hold, the same thing counted as often as it is held. */
  private readonly sizes = new WeakMap<object, number>();

  private sizeOf(value: Value | undefined): number {
    if (value?.type === 'StringValue') return (value.value as string).length;
    if (value?.type !== 'ArrayValue' && value?.type !== 'TupleValue' && value?.type !== 'ObjectValue') return 0;
    const inside = value.value as Value[] | Map<string, Value>;
    const known = this.sizes.get(value);
    if (known !== undefined) return known;
    let size = 0;
    for (const child of inside.values()) size += ELEMENT + this.sizeOf(child);
    this.sizes.set(value, size);
    return size;
  }
}

/** `range` as Python has it, refusing what no conversation is long enough for. */
function range(from: number, to?: number, step = 1): number[] {
  const [start, end] = to === undefined || to === null ? [0, from] : [from, to];
  const length = Math.max(0, Math.ceil((end - start) / step));
  if (!Number.isFinite(length) || length > 20_000) throw stopped(`asks for a range of ${length} numbers`);
  return Array.from({ length }, (_, i) => start + i * step);
}

const GLOBALS = {
  true: true,
  false: false,
  none: null,
  True: true,
  False: false,
  None: null,
  range,
  raise_exception(message: unknown) {
    throw new Error(String(message));
  },
  strftime_now: (format: string) => new Template('{{ strftime_now(format) }}').render({ format }),
};

/**
 * Renders a template with these variables. It reaches nothing but them and the few functions of chat templates; it is stopped
 * with an error when it does more than a conversation of so many turns and characters can ask for.
 */
export function renderBounded(
  template: Template,
  variables: Readonly<Record<string, unknown>>,
  { turns, characters }: { turns: number; characters: number },
): string {
  const environment = new Environment();
  for (const [name, value] of Object.entries({ ...GLOBALS, ...variables })) environment.set(name, value);
  return new BoundedInterpreter(environment, boundsFor(turns, characters)).run(template.parsed).value as string;
}

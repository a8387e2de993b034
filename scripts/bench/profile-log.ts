/** One op of one run of the session, from a line of the executor's log. */
export interface OpEvent {
  readonly run: number;
  readonly node: number;
  readonly begins: boolean;
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly thread: string;
  /** Its op, with the type that it computes in. */
  readonly op: string;
  /** The function that it calls, if it does. */
  readonly calls?: string;
}

const LINE =
  /^I\d{4} [\d:]*:(\d+\.\d+)\s+(\d+) executor\.cc:\d+\] (Process node|Synchronous kernel done|Async kernel done): (\d+) step (\d+) \{\{node [^}]*\}\} = (\w+)\[(.*)/;

const TYPES: Readonly<Record<string, string>> = { DT_BFLOAT16: ' bfloat16', DT_FLOAT: ' float32' };

/** Reads a line of the executor's log; undefined for any other line. */
export function opEvent(line: string): OpEvent | undefined {
  const match = LINE.exec(line);
  if (!match) return undefined;
  const [, seconds, thread, what, node, run, op, attributes] = match as unknown as string[];
  const type = /(?:^|, )(?:T|DstT)=(DT_\w+)/.exec(attributes!)?.[1];
  const calls = /, f=(\w+)/.exec(attributes!)?.[1];
  return {
    run: Number(run),
    node: Number(node),
    begins: what === 'Process node',
    at: Number(seconds) * 1000,
    thread: thread!,
    op: `${op!.replace(/^_Mkl/, '')}${TYPES[type ?? ''] ?? ''}`,
    ...(calls !== undefined && { calls }),
  };
}

/** One product that oneDNN computed. */
export interface Product {
  /** When it began, milliseconds since 1970. */
  readonly at: number;
  readonly ms: number;
  /** Types and sizes of its factors. */
  readonly name: string;
  readonly flop: number;
}

/** Reads a line of oneDNN's log; undefined for anything but a matrix product. */
export function productOf(line: string): Product | undefined {
  const [mark, , at, , exec, , kind, , , descriptors, , , problem, ms] = line.split(',');
  if (mark !== 'onednn_verbose' || exec !== 'exec' || kind !== 'matmul' || !problem) return undefined;
  const [left, right] = problem.split(':').map((side) => side.split('x').map(Number)) as [number[], number[]];
  const type = /src:(\w+)/.exec(descriptors!)?.[1] ?? '';
  const flop = 2 * left.reduce((x, y) => x * y, 1) * right.at(-1)!;
  return { at: Number(at), ms: Number(ms), name: `${problem.replace(':', ' by ')} ${type}`, flop };
}

/**
 * What XLA compiled, from the text of its module before optimisation: name of the function, its
 * ops, and bytes in and out.
 */
export interface Cluster {
  readonly name: string;
  readonly does: string;
  readonly bytes: number;
}

/** Reads such a text. */
export function clusterOf(module: string): Cluster | undefined {
  const head = /^HloModule (\w+?)__\S*?, .*entry_computation_layout=\{(.*)\}/.exec(module);
  if (!head) return undefined;
  const signature = head[2]!.replace(/\{[^}]*\}/g, '').replace(/\/\*.*?\*\//g, '');
  const names = new Map(
    [...module.matchAll(/op_type="(\w+)" op_name="(\w+)"/g)].map(([, type, name]) => [name!, type!]),
  );
  let bytes = 0;
  for (const [, type, sizes] of signature.matchAll(/\b(bf16|[a-z]\d+|pred)\[([\d,]*)\]/g)) {
    const width = type === 'pred' ? 1 : Number(type!.replace(/\D/g, '')) / 8;
    bytes += sizes!.split(',').reduce((n, size) => n * (size === '' ? 1 : Number(size)), width);
  }
  return { name: head[1]!, does: `${[...names.values()].join(' ')}: ${signature}`, bytes };
}

/** Calls and time a step, of ops of one kind. */
interface Share {
  readonly name: string;
  readonly count: number;
  readonly ms: number;
  /** Of the time of all ops. */
  readonly share: number;
}

/** What a step is made of, averaged over the steps looked at. */
export interface Summary {
  readonly steps: number;
  readonly wallMs: number;
  readonly opMs: number;
  /** For each thread the share of the wall time in which it runs an op. */
  readonly busy: readonly number[];
  readonly ops: readonly Share[];
  readonly clusters: readonly Share[];
  readonly sizes: readonly (Omit<Share, 'share'> & { readonly gflops: number })[];
}

/** First runs of a kind that are left out: they make things ready, and the caches are cold. */
const DROPPED = 3;

/**
 * Ops and products of the runs that a training step or a decoding step is: the kind of run that ran
 * most ops in all.
 */
export function summarise(events: readonly OpEvent[], products: readonly Product[]): Summary {
  const spans = mainRuns(runsOf(events));
  const steps = spans.length;
  const windows = spans.map(({ from, to }) => ({ from, to }));
  const wallMs = windows.reduce((sum, { from, to }) => sum + to - from, 0) / steps;
  const ops = spans.flatMap((span) => span.ops);
  const opMs = ops.reduce((sum, { ms }) => sum + ms, 0) / steps;
  const shares = (named: readonly { name: string; ms: number }[]): Share[] =>
    grouped(named, ({ name }) => name)
      .map(([name, own]) => ({ name, count: own.length / steps, ms: own.reduce((sum, { ms }) => sum + ms, 0) / steps }))
      .map((share) => ({ ...share, share: share.ms / opMs }))
      .sort((x, y) => y.ms - x.ms);
  const inside = products.filter(({ at }) => windows.some(({ from, to }) => at >= from && at <= to));
  const sizes = grouped(inside, ({ name }) => name)
    .map(([name, own]) => {
      const ms = own.reduce((sum, product) => sum + product.ms, 0);
      const flop = own.reduce((sum, product) => sum + product.flop, 0);
      return { name, count: own.length / steps, ms: ms / steps, gflops: flop / ms / 1e6 };
    })
    .sort((x, y) => y.ms - x.ms);
  const busy = grouped(ops, ({ thread }) => thread).map(
    ([, own]) => own.reduce((sum, { ms }) => sum + ms, 0) / steps / wallMs,
  );
  const called = ops.filter(({ calls }) => calls !== undefined).map(({ calls, ms }) => ({ name: calls!, ms }));
  return { steps, wallMs, opMs, busy: busy.sort((x, y) => y - x), ops: shares(ops), clusters: shares(called), sizes };
}

interface Op {
  readonly name: string;
  readonly calls: string | undefined;
  readonly thread: string;
  readonly ms: number;
}

/** One run of the session. */
interface Run {
  readonly from: number;
  readonly to: number;
  readonly ops: readonly Op[];
}

function runsOf(events: readonly OpEvent[]): Run[] {
  return grouped(events, ({ run }) => run).map(([, own]) => {
    const begun = new Map<number, OpEvent>();
    const ops: Op[] = [];
    for (const event of own) {
      const start = begun.get(event.node);
      if (event.begins) begun.set(event.node, event);
      else if (start)
        ops.push({ name: event.op, calls: event.calls, thread: start.thread, ms: Math.max(0, event.at - start.at) });
    }
    const times = own.map(({ at }) => at);
    return { from: min(times), to: max(times), ops };
  });
}

/** Runs with equally many ops are of one kind; the kind that ran most ops in all, without its first runs. */
function mainRuns(runs: readonly Run[]): readonly Run[] {
  const kinds = grouped(runs, ({ ops }) => ops.length).filter(([, own]) => own.length > DROPPED);
  const main = kinds.sort(([x, own], [y, others]) => y * others.length - x * own.length)[0];
  if (!main) throw new Error(`no kind of run occurs more than ${DROPPED} times: ask for more steps`);
  return main[1].slice(DROPPED);
}

const min = (values: readonly number[]): number => values.reduce((x, y) => Math.min(x, y));
const max = (values: readonly number[]): number => values.reduce((x, y) => Math.max(x, y));

function grouped<T, K>(items: readonly T[], keyOf: (item: T) => K): [K, T[]][] {
  const groups = new Map<K, T[]>();
  for (const item of items) {
    const group = groups.get(keyOf(item));
    if (group) group.push(item);
    else groups.set(keyOf(item), [item]);
  }
  return [...groups];
}

import { markdown } from './measure.js';
import type { Result, Row } from './rows.js';
import { figuresOf, type Outcome, type Runs } from './runs.js';

/** What is known of the machine and of the programs that ran on it. */
export interface Machine {
  readonly cpu: string;
  readonly processor: string;
  /** Kind of processor that was imitated, if it was. */
  readonly emulated?: string;
  readonly cores: number;
  readonly memory_gib: number;
  readonly node: string;
  readonly date: string;
  readonly gflops_bfloat16: number;
  readonly gflops_float32: number;
  /** The same of the peer, by type; lines that were written before it was measured have none. */
  readonly peer_gflops?: { readonly [type: string]: number };
  readonly read_gbps: number;
}

/** A contest of a record, with all its runs. */
export interface Compared extends Outcome {
  /** Figure by which choices are compared, and what it is counted in. */
  readonly speed: string;
  readonly unit: string;
}

/** One JSON line: a line of the table with everything behind it. */
export interface Record extends Result {
  readonly row: string;
  readonly what: string;
  readonly unit: Row['unit'];
  readonly target: Row['target'];
  readonly reached: boolean | null;
  readonly machine: Machine;
  readonly contests: { readonly [name: string]: Compared };
}

/** Whether a value reaches a target; null where there is no value. */
export const reached = (target: Row['target'], value: number | null): boolean | null =>
  value === null || Number.isNaN(value) ? null : 'least' in target ? value >= target.least : value <= target.most;

const known = (value: number | null | undefined): value is number =>
  value !== undefined && value !== null && !Number.isNaN(value);

const inUnit = (value: number, unit: Row['unit']): string => {
  if (unit === '%') return `${(100 * value).toFixed(1)} %`;
  return unit === 'times' ? `${value.toFixed(2)} ×` : `${value.toFixed(unit === 's' ? 1 : 0)} ${unit}`;
};

/** Three digits, and all before the point. */
const inShort = (value: number): string =>
  value >= 100 ? Math.round(value).toLocaleString('en-US') : String(Number(value.toPrecision(3)));

const span = (values: readonly number[], written: (value: number) => string): string => {
  const [least, most] = [written(Math.min(...values)), written(Math.max(...values))];
  return least === most ? least : `${least} to ${most}`;
};

const VERDICT = { true: 'yes', false: 'no', null: '' } as const;

function line(record: Record): string[] {
  const { what, project, other, choice, value, range, unit, target } = record;
  const figure = (x: number | undefined) =>
    !known(x) ? '' : unit === 's' || unit === 'MiB' ? inUnit(x, unit) : inShort(x);
  const goal = 'least' in target ? `at least ${inUnit(target.least, unit)}` : `at most ${inUnit(target.most, unit)}`;
  const single = unit === 's' || unit === 'MiB';
  return [
    what,
    figure(project),
    known(other) ? [figure(other), ...(choice ? [`(${choice})`] : [])].join(' ') : '',
    known(value) && !single ? `**${inUnit(value, unit)}**` : '',
    known(value) && range ? span(range, (x) => inUnit(x, unit)) : '',
    goal,
    VERDICT[String(record.reached) as keyof typeof VERDICT],
  ];
}

/** A choice with its runs, or why there are none. */
function choiceLine({ what, speed, unit }: Compared, side: 'project' | 'peer', choice: Runs): string[] {
  const type = side === 'project' ? choice.runs[0]?.dtype : undefined;
  const name = typeof type === 'string' ? `${choice.name} (${type})` : choice.name;
  const figures = figuresOf(choice, speed);
  const written = [
    ...(figures.length > 0 ? [`${figures.map(inShort).join(', ')} ${unit}`] : []),
    ...(choice.leftOut ? [`not run${figures.length > 0 ? ' again' : ''}: ${choice.leftOut}`] : []),
  ].join('; ');
  const memory = choice.runs.map((run) => run.peak_rss_mib).filter((mib) => typeof mib === 'number');
  return [what, name, written, memory.length > 0 ? span(memory, inShort) : ''];
}

/** Contests with a peer, once each, in the order of the records. */
function comparedIn(records: readonly Record[]): Compared[] {
  const all = new Map(records.flatMap(({ contests }) => Object.entries(contests)));
  return [...all.values()].filter(({ peers }) => peers.length > 0);
}

/** Names and numbers of what was used, as every run reported it. */
function versionsIn(records: readonly Record[]): string[] {
  const runs = records.flatMap(({ contests }) =>
    Object.values(contests).flatMap(({ project, peers }) => [...project, ...peers].flatMap((choice) => choice.runs)),
  );
  const found = runs.flatMap(({ tensorflow, versions }) => [
    ...(typeof tensorflow === 'string' ? [`TensorFlow ${tensorflow}`] : []),
    ...Object.entries((versions ?? {}) as { [name: string]: string }).map(([name, version]) => `${name} ${version}`),
  ]);
  return [...new Set(found)];
}

const loadsIn = (records: readonly Record[]): number[] =>
  comparedIn(records).flatMap(({ project, peers }) =>
    [...project, ...peers].flatMap(({ runs }) => runs.map(({ load_before }) => load_before)),
  );

const longDate = (date: string): string =>
  new Date(`${date}T00:00Z`).toLocaleDateString('en-GB', { dateStyle: 'long', timeZone: 'UTC' });

/** A section of docs/performance.md: the machine, the table, and all choices with all runs. */
export function page(records: readonly Record[]): string {
  const { machine } = records[0]!;
  const { cpu, processor, emulated, cores, memory_gib, node, date } = machine;
  const loads = loadsIn(records);
  const compared = comparedIn(records);
  const peer = Object.entries(machine.peer_gflops ?? {}).map(([type, gflops]) => `${inShort(gflops)} in ${type}`);
  const on = emulated ? `${cpu} (${processor}), which imitates ${emulated}` : `${cpu} (${processor})`;
  const table = markdown(
    ['what', 'phasetune', "the peer's best choice", 'ratio', 'over rounds', 'to reach', 'reached'],
    records.map(line),
  );
  const choices = compared.flatMap((contest) => [
    ...contest.project.map((choice) => choiceLine(contest, 'project', choice)),
    ...contest.peers.map((choice) => choiceLine(contest, 'peer', choice)),
  ]);
  return [
    emulated ? `### ${emulated}, emulated on ${processor}` : `### ${processor}`,
    [
      `Measured on ${longDate(date)} on ${on}, ${cores} cores, ${memory_gib} GiB, with ${[`Node ${node.slice(1)}`, ...versionsIn(records)].join(', ')}.`,
      `Products of 1024 × 1024 reach ${inShort(machine.gflops_bfloat16)} GFLOP/s in bfloat16 and ${inShort(machine.gflops_float32)} in float32` +
        `${peer.length > 0 ? `, the peer's ${peer.join(' and ')}` : ''}; a streaming read, ${inShort(machine.read_gbps)} GB/s.`,
      ...(loads.length > 0 ? [`Load before the runs: ${span(loads, inShort)}.`] : []),
    ].join('\n'),
    table,
    ...(choices.length > 0
      ? ['All choices, a figure for each round:', markdown(['contest', 'choice', 'runs', 'peak MiB'], choices)]
      : []),
  ].join('\n\n');
}

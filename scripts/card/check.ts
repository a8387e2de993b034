/**
 * Compiles training steps for NVIDIA cards without a card, as XLA would compile them there, and compares its figures
 * with the forecast of memory and with the bars of cases.ts:
 *
 *     npm run check:card [-- --shape SHAPE] [--target h100,rtx4090,rtx3090] [--only TEXT] [--kinds] [--again]
 *
 * Prints a JSON line for each step and card, and a markdown table for docs/performance.md. Fails
 * where XLA refuses an op, a bar is passed, or the forecast is off by more than 15 %. Of the
 * smaller cards only those steps are compiled that are forecast to fit. A result is kept until the
 * step, the card or these scripts change; `--again` makes it once more. `--kinds` lists kernels by
 * kind. Needs Python 3.12, see python.ts; a step takes one to two minutes on two cores.
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import type { MemoryForecast } from '../../src/train/memory-forecast.js';
import { markdown } from '../bench/measure.js';
import { CASES, type CardCase, nameOf } from './cases.js';
import { type Answer, CACHE, cardPython, runScript } from './python.js';
import { recordStep } from './record.js';

/** What lower.py prints. */
interface Lowered {
  readonly barriers: number;
  readonly seconds: number;
}

/** What compile_for_card.py prints, memory in bytes. */
interface Compiled {
  readonly temporary: number;
  readonly arguments: number;
  readonly outputs: number;
  readonly kernels: Readonly<Record<string, { count: number; gigabytes: number; milliseconds: number }>>;
  readonly seconds: number;
}

type Result = Answer<Compiled & { readonly barriers: number }>;

/** A forecast that is further off fails. */
const TOLERANCE = 0.15;

const folder = fileURLToPath(new URL('.', import.meta.url));
const SCRIPTS = ['lower.py', 'compile_for_card.py', 'kernels.py', 'requirements.txt'];
const targetFile = (target: string): string => join(folder, 'targets', `${target}.txtpb`);
const TARGETS = readdirSync(join(folder, 'targets')).map((file) => file.replace(/\.txtpb$/, ''));

const { values: given } = parseArgs({
  options: {
    shape: { type: 'string' },
    target: { type: 'string', default: TARGETS.join(',') },
    only: { type: 'string', default: '' },
    kinds: { type: 'boolean', default: false },
    again: { type: 'boolean', default: false },
  },
});

const say = (text: string): void => void process.stderr.write(`${text}\n`);
const gigabytes = (bytes: number): string => (bytes / 1e9).toFixed(2);

const deviceMemory = (target: string): number =>
  Number(/device_memory_size: (\d+)/.exec(readFileSync(targetFile(target), 'utf8'))![1]);

/** Lowers and compiles a step, unless that was done before. */
async function compileFor(target: string, savedModel: Uint8Array): Promise<Result> {
  const hash = createHash('sha256').update(savedModel);
  for (const file of [targetFile(target), ...SCRIPTS.map((name) => join(folder, name))])
    hash.update(readFileSync(file));
  const results = join(CACHE, 'results');
  const kept = join(results, `${hash.digest('hex').slice(0, 24)}.json`);
  if (existsSync(kept) && !given.again) return JSON.parse(readFileSync(kept, 'utf8')) as Result;
  mkdirSync(results, { recursive: true });
  const result = await compileNow(target, savedModel);
  writeFileSync(kept, JSON.stringify(result));
  return result;
}

async function compileNow(target: string, savedModel: Uint8Array): Promise<Result> {
  const python = cardPython();
  const work = mkdtempSync(join(CACHE, 'work-'));
  const [graph, module] = [join(work, 'step.pb'), join(work, 'step.hlo.pb')];
  try {
    writeFileSync(graph, savedModel);
    const lowered = await runScript<Lowered>(python, 'lower.py', [graph, module]);
    if ('problem' in lowered) return lowered;
    const compiled = await runScript<Compiled>(python, 'compile_for_card.py', [module, targetFile(target)]);
    if ('problem' in compiled) return compiled;
    return { value: { ...compiled.value, barriers: lowered.value.barriers } };
  } finally {
    rmSync(work, { recursive: true });
  }
}

const sumOf = ({ kernels }: Compiled, what: 'count' | 'milliseconds'): number =>
  Object.values(kernels).reduce((sum, kind) => sum + kind[what], 0);

/** Tensors of the step as XLA counts them: what it works with, and new values of variables beside the old. */
const tensorsOf = ({ temporary, outputs }: Compiled): number => temporary + outputs;

/** What is wrong with a result; the bars are those of an H100. */
function failuresOf({ bars = {} }: CardCase, target: string, compiled: Compiled, forecast: MemoryForecast): string[] {
  const failures: string[] = [];
  const ratio = (forecast.variables + forecast.tensors) / (compiled.arguments + tensorsOf(compiled));
  if (Math.abs(ratio - 1) > TOLERANCE) failures.push(`the forecast is ${ratio.toFixed(2)} of what XLA says`);
  if (target !== 'h100') return failures;
  const passed = (what: string, value: number, bar: number | undefined, text: (value: number) => string) => {
    if (bar !== undefined && value > bar) failures.push(`${what}: ${text(value)}, at most ${text(bar)} expected`);
  };
  const total = compiled.arguments + compiled.temporary;
  passed('kernels', sumOf(compiled, 'count'), bars.kernels, String);
  passed('temporary memory in GB', compiled.temporary, bars.temporary, gigabytes);
  passed('arguments and temporary memory in GB', total, bars.total, gigabytes);
  return failures;
}

function rowOf(name: string, target: string, compiled: Compiled, forecast: MemoryForecast): string[] {
  const total = compiled.arguments + tensorsOf(compiled);
  const predicted = forecast.variables + forecast.tensors;
  return [
    ...[name, target, String(sumOf(compiled, 'count')), sumOf(compiled, 'milliseconds').toFixed(0)],
    ...[compiled.temporary, compiled.arguments, total, predicted].map(gigabytes),
    ...[(predicted / total).toFixed(2), (forecast.tensors / tensorsOf(compiled)).toFixed(2)],
    compiled.seconds.toFixed(0),
  ];
}

const HEADINGS = [
  ...['step', 'card', 'kernels', 'model, ms', 'temporary, GB', 'arguments, GB', 'in total, GB', 'forecast, GB'],
  ...['ratio', 'of tensors', 'compiling, s'],
];

const targets = given.target.split(',');
for (const target of targets)
  if (!TARGETS.includes(target)) throw new Error(`there is no target ${target}: ${TARGETS.join(', ')}`);
const cases = CASES.filter((each) => (given.shape ?? each.shape) === each.shape && nameOf(each).includes(given.only));
if (cases.length === 0) throw new Error('no step is called that');

const [rows, failures]: [string[][], string[]] = [[], []];
for (const each of cases) {
  const { savedModel, forecast } = await recordStep(each);
  for (const target of targets) {
    if (target !== 'h100' && forecast.peak > deviceMemory(target)) continue;
    const name = nameOf(each);
    say(`${name}, ${target}`);
    const result = await compileFor(target, savedModel);
    process.stdout.write(`${JSON.stringify({ step: name, card: target, forecast, ...result })}\n`);
    if ('problem' in result) {
      failures.push(`${name}, ${target}: ${result.problem}`);
      continue;
    }
    rows.push(rowOf(name, target, result.value, forecast));
    failures.push(...failuresOf(each, target, result.value, forecast).map((why) => `${name}, ${target}: ${why}`));
    if (given.kinds)
      for (const [kind, { count, gigabytes, milliseconds }] of Object.entries(result.value.kernels))
        say(`    ${kind}: ${count}, ${gigabytes.toFixed(1)} GB, ${milliseconds.toFixed(1)} ms`);
  }
}
say(`\n${markdown(HEADINGS, rows)}\n`);
for (const failure of failures) say(`failed: ${failure}`);
process.exitCode = failures.length === 0 ? 0 : 1;

/**
 * Where the time of a recorded step goes: TensorFlow's executor logs when each op begins and ends
 * and on which thread, oneDNN logs each product with its sizes, and both are added up over the
 * steps behind the first three. The logging costs some microseconds an op, so that the steps are a
 * little slower than unwatched ones.
 *
 *     npm run build
 *     npx tsx scripts/bench/profile.ts [step|train|decode] [ARGS of phasetune bench]
 *
 * Prints markdown tables and, last on standard output, one JSON line.
 */
import { spawn } from 'node:child_process';
import { createReadStream, existsSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { machine, markdown, project } from './measure.js';
import { type Cluster, clusterOf, type OpEvent, opEvent, type Product, productOf, summarise } from './profile-log.js';

const [first = 'step', ...rest] = process.argv.slice(2);
const args = first.startsWith('-') ? ['step', first, ...rest] : [first, ...rest];
const job = project(args);
const folder = mkdtempSync(join(tmpdir(), 'phasetune-profile-'));
const modules = join(folder, 'xla');
const watching = {
  XLA_FLAGS: `--xla_dump_to=${modules} --xla_dump_hlo_as_text`,
  TF_CPP_MIN_LOG_LEVEL: '0',
  TF_CPP_VMODULE: 'executor=2',
  TF_CPP_LOG_THREAD_ID: '1',
  ONEDNN_VERBOSE: '1',
  ONEDNN_VERBOSE_TIMESTAMP: '1',
};
const [out, err] = ['out', 'err'].map((name) => join(folder, name)) as [string, string];
// Files, since Node makes pipes non-blocking, and what TensorFlow writes to a full one is lost.
const stdio = ['ignore', openSync(out, 'w'), openSync(err, 'w')] as const;
const child = spawn(job.program, job.args, { env: { ...process.env, ...watching }, stdio: [...stdio] });
const code = await new Promise<number | null>((resolve, reject) => child.on('error', reject).on('close', resolve));
const events: OpEvent[] = [];
const said: string[] = [];
for await (const line of createInterface(createReadStream(err))) {
  const event = opEvent(line);
  if (event) events.push(event);
  else if (!/^[IW]\d{4} /.test(line)) said.push(line);
}
const products: Product[] = [];
let figures: Record<string, unknown> | undefined;
for await (const line of createInterface(createReadStream(out))) {
  const product = productOf(line);
  if (product) products.push(product);
  else if (line.startsWith('{')) figures = JSON.parse(line);
}
const compiled = new Map<string, Cluster>();
for (const file of existsSync(modules) ? readdirSync(modules) : []) {
  if (!file.endsWith('before_optimizations.txt')) continue;
  const cluster = clusterOf(readFileSync(join(modules, file), 'utf8'));
  if (cluster) compiled.set(cluster.name, cluster);
}
rmSync(folder, { recursive: true });
if (code !== 0) throw new Error(`phasetune bench ${args.join(' ')} ended with ${code}:\n${said.slice(-10).join('\n')}`);

const summary = summarise(events, products);
const { steps, wallMs, opMs, busy, ops, clusters, sizes } = summary;
/** Ops of less than a thousandth of the time are in the JSON only. */
const told = <T extends { readonly share: number }>(shares: readonly T[]) =>
  shares.filter(({ share }) => share >= 0.001);
const percent = (share: number) => `${(100 * share).toFixed(1)} %`;
const print = (text: string) => process.stdout.write(`${text}\n\n`);
print(
  `phasetune bench ${args.join(' ')}: ${steps} steps of ${wallMs.toFixed(1)} ms, ${opMs.toFixed(1)} ms of op time on ${busy.length} threads ` +
    `that are busy for ${busy.map(percent).join(', ')}`,
);
const opLines = told(ops).map(({ name, count, ms, share }) => [name, String(count), ms.toFixed(2), percent(share)]);
print(markdown(['op', 'calls a step', 'ms a step', 'of all op time'], opLines));
const clusterLines = told(clusters).map(({ name, count, ms, share }) => {
  const { does = name, bytes = Number.NaN } = compiled.get(name) ?? {};
  const speed = Number.isNaN(bytes) ? '' : ((count * bytes) / ms / 1e6).toFixed(1);
  return [does, String(count), ms.toFixed(2), percent(share), speed];
});
if (clusterLines.length > 0)
  print(markdown(['compiled by XLA', 'calls a step', 'ms a step', 'of all op time', 'GB/s in and out'], clusterLines));
if (sizes.length > 0)
  print(
    markdown(
      ['product', 'calls a step', 'ms a step', 'GFLOP/s'],
      sizes.map(({ name, count, ms, gflops }) => [name, String(count), ms.toFixed(2), gflops.toFixed(0)]),
    ),
  );
process.stdout.write(`${JSON.stringify({ ...summary, figures, machine: machine() })}\n`);

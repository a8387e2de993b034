/**
 * Reads the file that its argument names, and prints as JSON how often its size the process grew
 * meanwhile (`memory`), how often the processor time of JSON.parse over numbers of as many bytes it
 * took (`work`), and the refusal.
 */
import { readFileSync, statSync } from 'node:fs';
import { openGguf } from '../../src/io/gguf.js';
import { openSafetensors } from '../../src/io/safetensors.js';

const path = process.argv[2]!;
const { size } = statSync(path);

/** The most memory that the process had so far, in bytes. */
const most = () => 1024 * Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync('/proc/self/status', 'utf8'))![1]);

/** Processor time since a start, in microseconds. */
function since(start: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(start);
  return user + system;
}

const [before, start] = [most(), process.cpuUsage()];
const open = path.endsWith('.gguf') ? openGguf : openSafetensors;
const refusal = await open(path).then(
  (file) => file.close(),
  (error: Error) => `${error.name}: ${error.message}`,
);
const [taken, memory] = [since(start), (most() - before) / size];

const numbers = `[${'1,'.repeat(size / 2)}1]`;
let reference = Number.POSITIVE_INFINITY;
for (let i = 0; i < 5; i++) {
  const begin = process.cpuUsage();
  JSON.parse(numbers);
  reference = Math.min(reference, since(begin));
}
console.log(JSON.stringify({ memory, work: taken / reference, refusal }));

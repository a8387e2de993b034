/**
 * Reads the file that its argument names, and prints the most memory that it took (MiB), the time of the processor (ms), and the refusal, as JSON.
 */
import { readFileSync } from 'node:fs';
import { openGguf } from '../../src/io/gguf.js';
import { openSafetensors } from '../../src/io/safetensors.js';

const path = process.argv[2]!;
const start = process.cpuUsage();
const open = path.endsWith('.gguf') ? openGguf : openSafetensors;
const refusal = await open(path).then(
  (file) => file.close(),
  (error: Error) => `${error.name}: ${error.message}`,
);
const { user, system } = process.cpuUsage(start);
const ms = (user + system) / 1000;
const rssMib = Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync('/proc/self/status', 'utf8'))![1]) / 1024;
console.log(JSON.stringify({ rssMib, ms, refusal }));

/**
 * A separate process that runs a command line once little address space is left. Arguments: bytes
 * beyond what is in use when the library is loaded, then the command line.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { loadBackend } from '../../src/backend/load.js';
import { run } from '../../src/cli/run.js';

const [room, ...args] = process.argv.slice(2);
await loadBackend({ device: 'cpu' });
const inUse = Number(/VmSize:\s+(\d+) kB/.exec(readFileSync('/proc/self/status', 'utf8'))![1]) * 1024;
execFileSync('prlimit', ['--pid', String(process.pid), `--as=${inUse + Number(room)}`]);
process.exitCode = await run(args);

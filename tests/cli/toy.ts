// The command line with toy commands, to be run in a process of its own.
import { runProcess } from '../../src/cli/process.js';
import { TOYS } from './toys.js';

await runProcess(TOYS);

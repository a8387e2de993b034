// Shows the help of every command, and prints how many files of TensorFlow that brought in; then
// loads TensorFlow too, to show that they would be seen.
import { createRequire } from 'node:module';
import { nameOf } from '../../src/cli/flags.js';
import { COMMANDS } from '../../src/cli/registry.js';
import { pageOf } from './pages.js';

const heavy = () =>
  Object.keys(createRequire(import.meta.url).cache).filter((path) => path.includes('/@tensorflow/')).length;

const pages: string[] = [];
for (const { command } of COMMANDS)
  for (const flag of ['--help', '--help-all']) pages.push(await pageOf([...nameOf(command).split(' '), flag]));
const before = heavy();
await import('../../src/backend/tf.js');
process.stdout.write(`${JSON.stringify({ pages: pages.length, before, after: heavy() })}\n`);

// Loads every command and prints how many files of TensorFlow that brought in; then loads TensorFlow too, to show that
// they would be seen.
import { createRequire } from 'node:module';
import { COMMANDS } from '../../src/cli/registry.js';

const heavy = () =>
  Object.keys(createRequire(import.meta.url).cache).filter((path) => path.includes('/@tensorflow/')).length;

await Promise.all(COMMANDS.map(({ load }) => load()));
const before = heavy();
await import('../../src/backend/tf.js');
process.stdout.write(`${JSON.stringify({ before, after: heavy() })}\n`);

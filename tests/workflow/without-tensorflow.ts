// For a child process: imports the modules named, and prints how many files of TensorFlow that loaded; then loads TensorFlow too,
// to show that they would be counted.
import { createRequire } from 'node:module';

const loaded = () =>
  Object.keys(createRequire(import.meta.url).cache).filter((path) => path.includes('/@tensorflow/')).length;

for (const path of process.argv.slice(2)) await import(path);
const before = loaded();
await import('../../src/backend/tf.js');
process.stdout.write(`${JSON.stringify({ before, after: loaded() })}\n`);

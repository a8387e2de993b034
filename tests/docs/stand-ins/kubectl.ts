import { readFileSync } from 'node:fs';
import { readJob } from '../../helpers/kubernetes.js';
import { startPod } from '../../study/render/pod.js';

/**
 * `kubectl.ts BIN apply -f FILE` runs all pods of a Job here, one after another, with what is in
 * the folder BIN as their image; `kubectl get` prints nothing.
 */
const [bin, verb, flag, file] = process.argv.slice(2) as [string, string, ...string[]];
const { HOME, PHASETUNE_HOME } = process.env;
if (verb === 'apply' && flag === '-f') {
  const job = readJob(readFileSync(file!, 'utf8'));
  console.log(`job.batch/${job.metadata.name} created`);
  for (let completion = 0; completion < job.spec.completions; completion++) {
    const { status, said } = await startPod(job, completion, bin, { HOME, PHASETUNE_HOME }).ended;
    console.log(`pod ${completion}: ${status}\n${said}`);
  }
} else if (verb !== 'get') process.exitCode = 1;

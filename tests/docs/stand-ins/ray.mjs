// Stands in for the job CLI of Ray 2.60, as it was seen to behave: `ray.mjs STATE job submit|status|stop …`. A failed
// job ends `submit` with 1, whatever its status was, and one that was stopped ends it with 0.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { followJob, startJob, statusOf, stopJob, wasStopped } from './jobs.mjs';

const [state, , verb, ...rest] = process.argv.slice(2);

/** A word for the shell, as Python's shlex.join writes it. */
const quoted = (word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'"'"'`)}'`);

function say(id) {
  const status = statusOf(join(state, id));
  if (wasStopped(join(state, id)) && status !== undefined) console.log(`Job '${id}' was stopped`);
  else if (status === 0) console.log(`Job '${id}' succeeded`);
  else if (status === undefined) console.log(`Status for job '${id}': RUNNING`);
  else {
    console.log(`Job '${id}' failed`);
    console.log(
      `Status message: Job entrypoint command failed with exit code ${status}, last available logs:\nerror 7`,
    );
  }
  return status;
}

if (verb === 'submit') {
  const dashes = rest.indexOf('--');
  const id = rest[rest.indexOf('--submission-id') + 1];
  startJob(
    join(state, id),
    rest
      .slice(dashes + 1)
      .map(quoted)
      .join(' '),
  );
  console.log(`Job '${id}' submitted successfully`);
  writeFileSync(join(state, 'client'), String(process.pid));
  await followJob(join(state, id));
  const status = say(id);
  process.exitCode = status === 0 || wasStopped(join(state, id)) ? 0 : 1;
} else if (verb === 'stop') {
  await stopJob(join(state, rest.at(-1)));
  say(rest.at(-1));
} else if (verb === 'status') say(rest.at(-1));
else process.exitCode = 2;

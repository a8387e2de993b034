// Pretends to be a cell of a study: `fake-cell.mjs FOLDER INDEX`. What it does at each attempt is listed in
// FOLDER/behaviour.json by the cell's id (the last one again and again): `done`, `exit STATUS TEXT`, `kill SIGNAL`,
// `sleep` until it is asked to stop, or until its parent is gone, `stubborn` where it is never stopped by asking, `fill`
// the disk.
import { createHash } from 'node:crypto';
import {
  appendFileSync,
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';

const [folder, index] = process.argv.slice(2);
const lines = readFileSync(join(folder, 'cells.jsonl'), 'utf8').trim().split('\n');
const cell = lines.map((line) => JSON.parse(line)).find((each) => each.index === Number(index));
const place = join(folder, 'cells', cell.id);
mkdirSync(place, { recursive: true });
const starts = join(place, 'starts.jsonl');
const before = existsSync(starts) ? readFileSync(starts, 'utf8').trim().split('\n').length : 0;
appendFileSync(
  starts,
  `${JSON.stringify({ pid: process.pid, time: Date.now(), threads: process.env.TF_NUM_INTRAOP_THREADS })}\n`,
);
const behaviours = existsSync(join(folder, 'behaviour.json'))
  ? JSON.parse(readFileSync(join(folder, 'behaviour.json'), 'utf8'))
  : {};
const list = behaviours[cell.id] ?? behaviours['*'] ?? ['done'];
const [what, ...rest] = list[Math.min(before, list.length - 1)].split(' ');
console.log(`attempt ${before + 1} of ${cell.id}: ${what}`);

function done(trainedTokens = cell.planned.trainedTokens) {
  const run = join(place, 'run');
  mkdirSync(join(run, 'adapter'), { recursive: true });
  const adapter = `adapter of ${cell.id}`;
  writeFileSync(join(run, 'adapter/adapter_model.safetensors'), adapter);
  const rows = { rows: 4, sha256: 'f'.repeat(64) };
  const stage = { stage: 1, label: 'all', rows: 4, replayed: 0, steps: 1, tokens: 100, trainedTokens, paddedTokens: 0 };
  const record = {
    ...{ schema: 'phasetune/run', version: 2, status: 'done', started: '2026-11-28T00:00:00.000Z', versions: {} },
    ...{ recipe: {}, order: 'phased', seed: 1, seconds: 1 },
    inputs: { model: { path: 'm', files: {} }, data: { path: 'd', manifest: 'm' } },
    stages: [{ ...stage, plan: 'p', planned: rows, consumed: rows }],
    adapter: { path: 'adapter', sha256: createHash('sha256').update(adapter).digest('hex') },
  };
  writeFileSync(join(run, 'run.json'), JSON.stringify(record));
}

const ended = (status) => {
  appendFileSync(join(place, 'stopped'), `${status}\n`);
  process.exit(status);
};

if (what === 'done') done();
else if (what === 'other') done(99);
else if (what === 'exit') {
  if (rest.length > 1) console.error(`error: ${rest.slice(1).join(' ')}`);
  process.exitCode = Number(rest[0]);
} else if (what === 'fill') {
  const filler = openSync(join(folder, 'filler'), 'w');
  try {
    for (;;) writeSync(filler, 'x'.repeat(512));
  } catch (error) {
    closeSync(filler);
    console.error(
      `error: cannot write filler: ${error.code === 'ENOSPC' ? 'no space left on the device' : error.code}`,
    );
    process.exitCode = 1;
  }
} else if (what === 'kill') process.kill(process.pid, rest[0]);
else if (what === 'sleep' || what === 'stubborn') {
  const keep = setInterval(() => {}, 1000);
  const stop = (status) => () => {
    if (what === 'stubborn') return;
    clearInterval(keep);
    ended(status);
  };
  process.on('SIGTERM', stop(130)).on('SIGUSR2', stop(130)).on('SIGHUP', stop(129)).on('disconnect', stop(129));
  if (process.connected === false) stop(129)();
  writeFileSync(join(place, 'sleeps'), String(process.pid));
}

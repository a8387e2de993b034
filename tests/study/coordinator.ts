import { lockFolder } from '../../src/io/lock.js';
import { readStudy } from '../../src/study/study-record.js';
import { runAll } from './fake.js';

/** `coordinator.ts FOLDER`: runs a study whose cells only pretend to train, and prints what happens, a line each. */
const [folder] = process.argv.slice(2) as [string];
const lock = await lockFolder(folder, 'ablate');
const print = (value: object) => console.log(JSON.stringify(value));
const { error } = await runAll(await readStudy(folder), {}, {}, print);
if (error) print({ type: 'error', message: (error as Error).message });
await lock.release();

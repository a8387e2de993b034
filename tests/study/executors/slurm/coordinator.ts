import { openSlurm } from '../../../../src/study/executors/slurm/open.js';
import { readStudy } from '../../../../src/study/study-record.js';
import { FAKE_CELL, runAll } from '../../fake.js';
import { QUICK } from './fake-cluster.js';

/** `coordinator.ts FOLDER`: runs a study by the executor `slurm`; its cells only pretend to train. */
const study = await readStudy(process.argv[2]!);
const executor = await openSlurm({
  ...{ study, options: { slurm: { time: 60 } }, cellCommand: [...FAKE_CELL], environment: process.env, timing: QUICK },
});
await runAll(study, { executor });

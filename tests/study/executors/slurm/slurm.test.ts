import { afterAll } from 'vitest';
import { executorContract } from '../contract.js';
import { fakeCluster, fakeSlurm } from './fake-cluster.js';

const cluster = fakeCluster();
afterAll(() => cluster.close());

executorContract('slurm', (study) => fakeSlurm(cluster, study), { slots: 4, outlives: true });

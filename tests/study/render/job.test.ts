import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { type JobParts, jobOf } from '../../../src/study/render/job.js';
import { type KubernetesOptions, kubernetesSchema } from '../../../src/study/render/kubernetes-options.js';
import { problemsOf, readJob, verdictOf } from '../../helpers/kubernetes.js';

const NEEDED = { image: 'registry.example.com/phasetune:1.0', claim: 'studies', mountPath: '/data' };

const parts = (options: Partial<KubernetesOptions> = {}, rest: Partial<JobParts> = {}): JobParts => ({
  options: kubernetesSchema.parse({ ...NEEDED, ...options }) as JobParts['options'],
  folder: '/data/studies/first',
  begunIn: '/data',
  hash: 'a'.repeat(64),
  cells: ['one-off', 'phased', 'one-off', 'phased'].map((arm, i) => ({ index: i + 1, arm })),
  parallel: 4,
  retries: 2,
  stopAfterAlike: 3,
  cpus: 4,
  memory: '8Gi',
  owner: { user: 1000, group: 1000 },
  ...rest,
});

/** Through YAML, as it is applied. */
const written = (given: JobParts) => readJob(stringify(jobOf(given), { aliasDuplicateObjects: false, lineWidth: 0 }));

const word = fc.stringMatching(/^[a-z][a-z0-9-]{0,20}[a-z0-9]$/);
const labels = fc.dictionary(fc.stringMatching(/^([a-z]{1,9}\.io\/)?[a-z][a-z0-9.-]{0,20}[a-z0-9]$/), word, {
  maxKeys: 3,
});
const maybe = <T>(values: fc.Arbitrary<T>) => fc.option(values, { nil: undefined });
const anyOptions = fc
  .record({
    subPath: maybe(word),
    program: maybe(fc.array(fc.string({ minLength: 1 }), { minLength: 1, maxLength: 3 })),
    namespace: maybe(word),
    gpus: maybe(fc.integer({ min: 1, max: 8 })),
    nodeSelector: maybe(labels),
    tolerations: maybe(
      fc.array(
        fc.oneof(
          word.map((key) => ({ key, operator: 'Exists', effect: 'NoSchedule' }) as const),
          word.map(
            (key) => ({ key, operator: 'Equal', value: 'true', effect: 'NoExecute', tolerationSeconds: 60 }) as const,
          ),
        ),
        { maxLength: 2 },
      ),
    ),
    labels: maybe(labels),
    serviceAccount: maybe(word),
    imagePullSecrets: maybe(fc.array(word, { maxLength: 2 })),
    priorityClass: maybe(word),
    env: maybe(fc.dictionary(fc.stringMatching(/^[A-Z][A-Z0-9]{0,9}$/), fc.string(), { maxKeys: 3 })),
    user: maybe(fc.integer({ min: 0, max: 2 ** 31 - 1 })),
    group: maybe(fc.integer({ min: 0, max: 2 ** 31 - 1 })),
    gracePeriod: fc.integer({ min: 1, max: 3600 }),
    maxFailed: maybe(fc.nat({ max: 100 })),
  })
  .map((options) => Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)));

describe('the manifest of a Job', () => {
  test('is valid by the published schema whatever options are given, and is read as it was written', () => {
    fc.assert(
      fc.property(
        anyOptions,
        fc.integer({ min: 1, max: 2000 }),
        fc.integer({ min: 1, max: 50 }),
        (options, n, parallel) => {
          const cells = Array.from({ length: n }, (_, i) => ({ index: i + 1, arm: `arm-${i % 4}` }));
          const given = parts(options, { cells, parallel });
          const job = written(given);
          expect(problemsOf(job)).toEqual([]);
          expect(job).toEqual(JSON.parse(JSON.stringify(jobOf(given))));
        },
      ),
      { seed: 20, numRuns: 150 },
    );
  });

  // biome-ignore lint/suspicious/noExplicitAny: what is broken has no type
  test.each<[string, (job: any) => void, string]>([
    ['a field that there is not', (job) => (job.spec.backOffLimit = 3), 'must NOT have additional properties'],
    [
      'one in the wrong place',
      (job) => (job.spec.template.spec.completions = 3),
      'must NOT have additional properties',
    ],
    ['a number for a text', (job) => (job.spec.template.spec.nodeSelector = { zone: 1 }), 'must be string'],
    ['a text for a number', (job) => (job.spec.completions = '4'), 'must be integer'],
    ['a number that is too large', (job) => (job.spec.parallelism = 2 ** 31), 'must match format "int32"'],
    ['no pod', (job) => delete job.spec.template, "must have required property 'template'"],
    ['no name of the container', (job) => delete job.spec.template.spec.containers[0].name, "required property 'name'"],
    [
      'no status',
      (job) => delete job.spec.podFailurePolicy.rules[0].onPodConditions[0].status,
      "required property 'status'",
    ],
    ['no action', (job) => delete job.spec.podFailurePolicy.rules[1].action, "required property 'action'"],
    ['null for an object', (job) => (job.metadata.labels = null), 'must be object'],
  ])('is found to be wrong with %s', (_, breakIt, problem) => {
    const job = written(parts());
    expect(problemsOf(job)).toEqual([]);
    breakIt(job);
    expect(problemsOf(job).join('\n')).toContain(problem);
  });

  test('is the same for the same study, and has another name with anything else in it', () => {
    expect(jobOf(parts())).toEqual(jobOf(parts()));
    const names = [
      parts(),
      parts({ image: 'other' }),
      parts({}, { memory: '16Gi' }),
      parts({}, { folder: '/data/studies/second' }),
      parts({}, { cells: parts().cells.slice(1) }),
    ].map((given) => jobOf(given).metadata.name);
    expect(new Set(names).size).toBe(names.length);
  });

  test('has names that Kubernetes takes, also for the host of its last pod', () => {
    const { name } = jobOf(parts()).metadata;
    expect(name).toMatch(/^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/);
    expect(`${name}-100000`.length).toBeLessThanOrEqual(63);
  });

  test('has a completion for each cell, and as many pods at once as the study has', () => {
    expect(jobOf(parts({}, { parallel: 2 })).spec).toMatchObject({
      ...{ completionMode: 'Indexed', completions: 4, parallelism: 2, backoffLimitPerIndex: 2 },
      ...{ podReplacementPolicy: 'Failed', template: { spec: { restartPolicy: 'Never' } } },
    });
    expect(jobOf(parts({}, { parallel: 9 })).spec.parallelism).toBe(4);
  });

  test('ends when more cells have failed than an arm has', () => {
    const cells = Array.from({ length: 12 }, (_, i) => ({ index: i + 1, arm: `arm-${i % 2}` }));
    const most = (options: Partial<KubernetesOptions>, of = cells) =>
      jobOf(parts(options, { cells: of })).spec.maxFailedIndexes;
    expect(most({})).toBe(6);
    expect(most({}, cells.slice(0, 4))).toBe(3);
    expect(most({}, cells.slice(0, 2))).toBe(2);
    expect(most({ maxFailed: 0 })).toBe(0);
    expect(most({ maxFailed: 50 })).toBe(12);
  });

  test('has pods that may do no more than a cell does, with what they need', () => {
    const { spec } = jobOf(parts({ gpus: 1, env: { PHASETUNE_HOME: '/opt/$(HOME)' } })).spec.template;
    expect(spec).toMatchObject({
      automountServiceAccountToken: false,
      terminationGracePeriodSeconds: 180,
      securityContext: { runAsUser: 1000, runAsGroup: 1000, runAsNonRoot: true },
      volumes: [{ name: 'study', persistentVolumeClaim: { claimName: 'studies' } }],
    });
    const resources = { cpu: '4', memory: '8Gi', 'nvidia.com/gpu': '1' };
    expect(spec.containers[0]).toMatchObject({
      workingDir: '/data',
      env: [{ name: 'PHASETUNE_HOME', value: '/opt/$$(HOME)' }],
      resources: { requests: resources, limits: resources },
      volumeMounts: [{ name: 'study', mountPath: '/data' }],
    });
    const asRoot = jobOf(parts({}, { owner: { user: 0, group: 0 }, begunIn: '/home/me' })).spec.template.spec;
    expect(asRoot.securityContext).not.toHaveProperty('runAsNonRoot');
    expect(asRoot.containers[0]!.workingDir).toBe('/data/studies/first');
  });
});

describe('a cell whose pod ended', () => {
  const job = jobOf(parts());
  test.each<[string, number, boolean, ReturnType<typeof verdictOf>]>([
    ['done', 0, false, 'done'],
    ['failed', 1, false, 'again, counted'],
    ['usage error', 2, false, 'failed'],
    ['data error', 3, false, 'failed'],
    ['backend error, as on a node whose card fails', 5, false, 'again, counted'],
    ['saved and stopped', 130, false, 'again'],
    ['killed, as for lack of memory', 137, false, 'again, counted'],
    ['killed by a preemption', 137, true, 'again'],
    ['usage error while its node is drained', 2, true, 'again'],
  ])('%s (%i, disrupted: %s): %s', (_, status, disrupted, verdict) => {
    expect(verdictOf(job, status, disrupted)).toBe(verdict);
  });
});

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { ROOT } from '../helpers/program.js';

interface Step {
  readonly uses?: string;
  readonly run?: string;
  readonly with?: Record<string, unknown>;
}
interface Job {
  readonly 'runs-on': string;
  readonly 'timeout-minutes': number;
  readonly permissions?: Record<string, string>;
  readonly strategy?: { readonly matrix: Record<string, unknown[]> };
  readonly steps: readonly Step[];
}
interface Workflow {
  readonly on: Record<string, unknown>;
  readonly permissions: Record<string, string>;
  readonly jobs: Record<string, Job>;
}

const FOLDER = join(ROOT, '.github/workflows');
const workflow = (name: string): Workflow => parse(readFileSync(join(FOLDER, name), 'utf8'));
const { scripts, engines } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));

describe.each(readdirSync(FOLDER))('%s', (name) => {
  const { permissions, jobs } = workflow(name);
  const steps = Object.values(jobs).flatMap((job) => job.steps);

  test('may only read, unless a job says what else it needs, and ends by itself', () => {
    expect(permissions).toEqual({ contents: 'read' });
    for (const job of Object.values(jobs)) {
      expect(job['timeout-minutes']).toBeGreaterThan(0);
      for (const [what, access] of Object.entries(job.permissions ?? {}))
        expect([what, access]).toEqual(what === 'id-token' ? [what, 'write'] : [what, 'read']);
    }
  });

  test('uses actions by their commit, with the version beside it, and keeps no credentials', () => {
    const text = readFileSync(join(FOLDER, name), 'utf8');
    const used = text.match(/uses: .*/g)!;
    expect(used).toHaveLength(steps.filter(({ uses }) => uses).length);
    for (const line of used) expect(line).toMatch(/^uses: [\w/-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/);
    for (const step of steps.filter(({ uses }) => uses?.startsWith('actions/checkout@')))
      expect(step.with).toMatchObject({ 'persist-credentials': false });
  });

  test('runs only what there is', () => {
    for (const { run = '' } of steps) {
      for (const [, script] of run.matchAll(/npm run ([\w:-]+)/g)) expect(scripts).toHaveProperty([script!]);
      for (const [, path] of run.matchAll(/bash (\S+)/g)) expect(existsSync(join(ROOT, path!)), path).toBe(true);
    }
  });
});

test('every push and pull request runs .ci/run on the oldest Node, and the fast tests on newer ones', () => {
  const { on, jobs } = workflow('ci.yml');
  expect(Object.keys(on)).toEqual(['push', 'pull_request']);
  const all = Object.values(jobs).find(({ steps }) => steps.some(({ run }) => run === 'bash .ci/run'))!;
  const node = all.steps.find(({ uses }) => uses?.startsWith('actions/setup-node@'))!;
  expect(`>=${node.with!['node-version']}`).toBe(engines.node);
  expect(Object.values(jobs).flatMap(({ strategy }) => strategy?.matrix.node ?? [])).toEqual([22, 24]);
});

test('a tag is tested, built and published with its provenance, in this order', () => {
  const { on, jobs } = workflow('release.yml');
  expect(on).toEqual({ push: { tags: ['v*.*.*'] } });
  const [job] = Object.values(jobs);
  expect(job!.permissions).toEqual({ contents: 'read', 'id-token': 'write' });
  const runs = job!.steps.flatMap(({ run }) => (run ? [run] : []));
  const order = ['GITHUB_REF_NAME', 'bash .ci/run', 'npm run build', 'npm publish --provenance --access public'];
  const places = order.map((what) => runs.findIndex((run) => run.includes(what)));
  expect(places).toEqual([...places].sort((x, y) => x - y));
  expect(places).not.toContain(-1);
});

test('issue forms ask for something, and each field has a name of its own', () => {
  const folder = join(ROOT, '.github/ISSUE_TEMPLATE');
  const forms = readdirSync(folder).filter((name) => name !== 'config.yml');
  expect(forms.length).toBeGreaterThan(2);
  for (const form of forms) {
    const { name, description, body } = parse(readFileSync(join(folder, form), 'utf8'));
    expect([typeof name, typeof description]).toEqual(['string', 'string']);
    const fields = body.filter(({ type }: { type: string }) => type !== 'markdown');
    expect(new Set(fields.map(({ id }: { id: string }) => id)).size).toBe(fields.length);
    expect(fields.some((field: { validations?: { required?: boolean } }) => field.validations?.required)).toBe(true);
  }
});

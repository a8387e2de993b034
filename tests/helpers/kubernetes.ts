import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv, type ValidateFunction } from 'ajv';
import { parse } from 'yaml';
import type { Job } from '../../src/study/render/job.js';
import { ROOT } from './program.js';

const INT32 = 2 ** 31;

let validate: ValidateFunction | undefined;

/** The published schema of a Job, with fields that it does not know refused. */
function jobSchema(): ValidateFunction {
  const ajv = new Ajv({ allErrors: true, strict: true, allowUnionTypes: true });
  ajv.addFormat('int32', { type: 'number', validate: (n) => Number.isInteger(n) && n >= -INT32 && n < INT32 });
  ajv.addFormat('int64', { type: 'number', validate: Number.isSafeInteger });
  ajv.addFormat('date-time', (text) => !Number.isNaN(Date.parse(text)));
  return ajv.compile(JSON.parse(readFileSync(join(ROOT, 'tests/fixtures/kubernetes/job-1.33.json'), 'utf8')));
}

/** What the published schema says against a Job, a line each; empty for a valid one. */
export function problemsOf(job: unknown): string[] {
  validate ??= jobSchema();
  validate(job);
  return (validate.errors ?? []).map(
    ({ instancePath, message, params }) => `${instancePath} ${message} ${JSON.stringify(params)}`,
  );
}

/** A manifest's Job. Throws for what is not one document of plain YAML. */
export const readJob = (text: string): Job => parse(text, { strict: true, uniqueKeys: true, maxAliasCount: 0 });

/**
 * What a container is given for a text of its `command`: a variable for `$(NAME)`, where there is
 * one, `$` for `$$`.
 */
export const expanded = (text: string, variables: Readonly<Record<string, string>> = {}): string =>
  text.replace(/\$(?:\$|\(([^)]*)\))/g, (found, name: string | undefined) =>
    name === undefined ? '$' : (variables[name] ?? found),
  );

/** What becomes of a cell whose container ended with a status, by the Job's rules. */
export function verdictOf(
  { spec }: Job,
  status: number,
  disrupted = false,
): 'done' | 'again' | 'again, counted' | 'failed' {
  if (status === 0) return 'done';
  for (const rule of spec.podFailurePolicy.rules) {
    const fits =
      'onPodConditions' in rule
        ? disrupted && rule.onPodConditions.some(({ type }) => type === 'DisruptionTarget')
        : (rule.onExitCodes.values as readonly number[]).includes(status);
    if (fits) return rule.action === 'Ignore' ? 'again' : 'failed';
  }
  return 'again, counted';
}

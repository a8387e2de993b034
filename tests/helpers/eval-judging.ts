import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach } from 'vitest';
import type { PhasetuneError } from '../../src/core/errors.js';
import { evalPaths } from '../../src/eval/eval-file.js';
import type { Verdict } from '../../src/eval/verdicts/verdict.js';
import { readVerdicts } from '../../src/eval/verdicts/verdict-file.js';
import { judgeAnswers } from '../../src/workflow/eval-judge.js';
import type { JudgeAnswersOptions } from '../../src/workflow/eval-judge-options.js';
import type { JudgeAnswersResult } from '../../src/workflow/eval-judge-types.js';
import type { AskHooks } from '../../src/workflow/hooks.js';
import { type Asked, type Behaviour, type Endpoint, type EndpointSettings, startEndpoint } from './endpoint-server.js';
import { type Outputs, sayLonger, writeEvaluation } from './evaluation.js';
import { temporaryFolder } from './folder.js';

const environment = { OPENAI_API_KEY: 'sk-0123456789' };

/** Rows with numbers, each answer with its arm's letter as often as `lengthOf` says. */
export const outputs = (letter: string, rows: number, lengthOf: (row: number) => number): Outputs =>
  Object.fromEntries(Array.from({ length: rows }, (_, i) => [`r${i}`, `${letter.repeat(lengthOf(i))} ${i}`]));

/** An evaluation in a new folder for each test, and a judge at an endpoint, which finds the longer answer better. */
export function judgingSetup() {
  const setup = {
    dir: '',
    server: undefined as unknown as Endpoint,
    does: sayLonger as (asked: Asked) => Behaviour | Promise<Behaviour>,
    options: (given: Partial<JudgeAnswersOptions> = {}): JudgeAnswersOptions => ({
      folder: setup.dir,
      judge: 'llm',
      baseUrl: setup.server.baseUrl,
      model: 'judge',
      retryWait: 0.01,
      ...given,
    }),
    judged: (given?: Partial<JudgeAnswersOptions>, hooks: AskHooks = {}): Promise<JudgeAnswersResult> =>
      judgeAnswers(setup.options(given), { environment, ...hooks }).result,
    failing: (given?: Partial<JudgeAnswersOptions>, hooks?: AskHooks): Promise<PhasetuneError> =>
      setup.judged(given, hooks).then(
        () => Promise.reject(new Error('expected it to fail')),
        (error: PhasetuneError) => error,
      ),
    /** Arms `base` and `phased` whose answers have different lengths, with some equal ones. */
    twoArms: (rows = 6): void =>
      writeEvaluation(setup.dir, {
        base: outputs('b', rows, (i) => 3 + (i % 3)),
        phased: outputs('p', rows, (i) => 2 + ((i * 2) % 5)),
      }),
    verdictsOf: async (judge = 'judge'): Promise<Verdict[]> =>
      (await readVerdicts(evalPaths(setup.dir).verdicts)).filter((one) => one.judge === judge),
    /** A file of prices by which a reply costs a dollar for a thousand tokens. */
    prices: (): string => {
      const path = join(setup.dir, '..', 'prices.json');
      const entry = { model: 'judge', input: 0, output: 1000 };
      writeFileSync(
        path,
        JSON.stringify({ schema: 'phasetune/prices', version: 1, date: '2026-01-01', prices: [entry] }),
      );
      return path;
    },
    /** Another endpoint in place of the first. */
    serve: async (settings: EndpointSettings): Promise<void> => {
      await setup.server.close();
      setup.server = await startEndpoint(settings);
    },
  };
  beforeEach(async () => {
    setup.dir = join(temporaryFolder('eval-judge'), 'evaluation');
    setup.does = sayLonger;
    setup.server = await startEndpoint({ script: (asked) => setup.does(asked) });
  });
  afterEach(() => setup.server.close());
  return setup;
}

import { basename } from 'node:path';
import { PROGRAM, type TaskOptions, type Vocabulary } from '../../core/remedies.js';
import { answerOptionsSchema } from '../../eval/answer-options.js';
import type { EvalFile } from '../../eval/eval-file.js';
import { reportOptionsSchema } from '../../eval/result/options.js';
import type { EvaluationResult } from '../../eval/result/result.js';
import { formatCount } from '../../telemetry/format.js';
import type { Section } from '../page.js';
import { commandText } from '../parts/command-text.js';
import type { EvaluationReport } from './read-evaluation-report.js';

/** From what the evaluation was made, with hashes, versions, and the tasks that make it again. */
export function methodSection(report: EvaluationReport, vocabulary: Vocabulary = PROGRAM): Section {
  const { file } = report;
  return {
    id: 'method',
    title: 'How it was made',
    blocks: [
      {
        kind: 'table',
        caption: 'Arms',
        rows: [['arm', 'run', 'source'], ...sourceRows(file)],
        left: 3,
      },
      {
        kind: 'table',
        caption: 'Instructions',
        rows: [
          ['set', 'file', 'SHA-256', 'rows', 'answered'],
          ...file.sets.map(({ name, path, sha256, rows, chosen }) => [
            name,
            basename(path),
            sha256,
            formatCount(rows),
            formatCount(chosen),
          ]),
        ],
        left: 3,
      },
      { kind: 'facts', facts: factsOf(file) },
      { kind: 'paragraph', text: 'The same files give the same answers, verdicts and figures again:' },
      { kind: 'code', text: tasksOf(report, vocabulary).join('\n') },
      {
        kind: 'details',
        summary: 'Hashes of what the arms are made of',
        blocks: [{ kind: 'table', rows: [['arm', 'run', 'file', 'SHA-256'], ...hashRows(file)], left: 4 }],
      },
    ],
  };
}

const sourceRows = ({ arms, baseline }: EvalFile): string[][] =>
  Object.entries(arms).flatMap(([arm, { runs }]) =>
    runs.map(({ source }, run) => [arm === baseline ? `${arm} (baseline)` : arm, String(run + 1), shownPath(source)]),
  );

/** Every file of an arm that decides its answers. */
function hashRows({ arms }: EvalFile): string[][] {
  return Object.entries(arms).flatMap(([arm, { runs }]) =>
    runs.flatMap(({ model, adapter, answers }, run) => {
      const about = [arm, String(run + 1)];
      const files = [
        ...(answers === undefined ? [] : [['answers', answers]]),
        ...Object.entries(adapter?.files ?? {}),
        ...Object.entries(model?.files ?? {}),
      ];
      return files.map(([name, hash]) => [...about, name!, hash!.replace(/^sha256:/, '')]);
    }),
  );
}

/** A path as it was given, except that one of the whole machine is only its end: a page may be passed on. */
const shownPath = (path: string): string => (path.startsWith('/') ? basename(path) : path);

const shownValue = (value: unknown): string =>
  typeof value === 'string' ? shownPath(value) : Array.isArray(value) ? value.join(', ') : JSON.stringify(value);

function factsOf({ versions, seed, answering, judges }: EvalFile): (readonly [string, string])[] {
  return [
    ...Object.entries(versions).map(([name, version]) => [`version of ${name}`, version] as const),
    ['seed', String(seed)],
    ...Object.entries(answering).map(([name, value]) => [`answers: ${name}`, shownValue(value)] as const),
    ...Object.entries(judges).flatMap(([judge, { about }]) =>
      Object.entries(about).map(([name, value]) => [`judge ${judge}: ${name}`, shownValue(value)] as const),
    ),
  ];
}

function tasksOf({ folder, file, result }: EvaluationReport, vocabulary: Vocabulary): string[] {
  const judges = Object.values(file.judges).filter(({ control }) => !control);
  return [
    commandText(vocabulary.task('eval answer', answerOptions(folder, file))),
    ...judges.map((judge) => commandText(vocabulary.task('eval judge', judgeOptions(folder, file, judge)))),
    ...(result ? [commandText(vocabulary.task('eval report', reportOptions(folder, result)))] : []),
  ];
}

function answerOptions(folder: string, { arms, sets, baseline, seed, answering }: EvalFile): TaskOptions {
  const names = Object.keys(arms);
  const drawn = sets.some(({ rows, chosen }) => chosen < rows);
  const defaults: Readonly<Record<string, unknown>> = answerOptionsSchema.parse({});
  const chosen = Object.entries(answering).filter(
    ([name, value]) =>
      ['string', 'number'].includes(typeof value) && (name === 'maxTokens' || value !== defaults[name]),
  ) as [string, string | number][];
  return {
    arms: names.map((name) => `${name}=${arms[name]!.runs.map(({ source }) => shownPath(source)).join(',')}`),
    sets: sets.map(({ path }) => shownPath(path)),
    out: folder,
    ...(baseline !== names[0] && { baseline }),
    ...(drawn && { rows: sets.reduce((sum, { chosen }) => sum + chosen, 0) }),
    ...(seed !== 0 && { seed }),
    ...Object.fromEntries(chosen),
    ...(answering.loss === false && { loss: false }),
    ...(answering.loadIn8bit === true && { loadIn8bit: true }),
  };
}

function judgeOptions(folder: string, { arms, baseline }: EvalFile, { kind, about }: Judge): TaskOptions {
  const own = arms[baseline]?.runs[0]?.model?.path;
  const model = typeof about.model === 'string' ? about.model : undefined;
  const local = kind !== 'llm' && own !== undefined && model !== undefined && basename(model) === basename(own);
  return {
    folder,
    judge: kind,
    ...(typeof about.baseUrl === 'string' && { baseUrl: about.baseUrl }),
    ...(model !== undefined && !local && { model: kind === 'llm' ? model : shownPath(model) }),
  };
}

type Judge = EvalFile['judges'][string];

function reportOptions(folder: string, { level, resamples, seed, maxMissing, against }: EvaluationResult): TaskOptions {
  const defaults = reportOptionsSchema.parse({});
  const chosen = Object.entries({ level, resamples, seed, maxMissing }).filter(
    ([name, value]) => value !== defaults[name as 'level'],
  );
  return { folder, ...Object.fromEntries(chosen), ...(against && { against: against.other }) };
}

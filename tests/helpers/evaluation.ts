import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { evalPaths } from '../../src/eval/eval-file.js';
import { readBlock } from '../scoring/injections.js';
import type { Said } from './endpoint-faults.js';
import type { Asked } from './endpoint-server.js';

/** Outputs by id; of a run, or of several. */
export type Outputs = Readonly<Record<string, string>>;

/** Writes an evaluation with the answers of its arms to one set; the first arm is the baseline. */
export function writeEvaluation(
  dir: string,
  arms: Readonly<Record<string, Outputs | readonly Outputs[]>>,
  { set = 'koala', instruction = (id: string) => `Do ${id} now.` } = {},
): void {
  const paths = evalPaths(dir);
  mkdirSync(dir, { recursive: true });
  const runsOf = (outputs: Outputs | readonly Outputs[]) => (Array.isArray(outputs) ? outputs : [outputs]) as Outputs[];
  const rows = Math.max(...Object.values(arms).map((outputs) => Object.keys(runsOf(outputs)[0]!).length));
  const file = {
    schema: 'phasetune/evaluation',
    version: 1,
    versions: {},
    begunIn: dir,
    baseline: Object.keys(arms)[0],
    sets: [{ name: set, path: `${set}.jsonl`, sha256: '0'.repeat(64), rows, chosen: rows }],
    seed: 0,
    arms: Object.fromEntries(
      Object.entries(arms).map(([arm, outputs]) => [
        arm,
        { runs: runsOf(outputs).map((_, k) => ({ source: `${arm}-${k + 1}` })) },
      ]),
    ),
    answering: {},
    judges: {},
  };
  writeFileSync(paths.evalFile, JSON.stringify(file));
  for (const [arm, outputs] of Object.entries(arms))
    for (const [k, run] of runsOf(outputs).entries()) {
      const path = paths.answers(arm, k + 1, set);
      mkdirSync(dirname(path), { recursive: true });
      const lines = Object.entries(run).map(([id, output]) => {
        const checks = {
          empty: output.trim() === '',
          cut: false,
          refusal: false,
          loop: false,
          copy: false,
          otherScript: false,
        };
        return `${JSON.stringify({ id, instruction: instruction(id), output, checks, key: id })}\n`;
      });
      writeFileSync(path, lines.join(''));
    }
}

/** What a judge is asked about. */
export interface SeenPair {
  readonly instruction: string;
  readonly A: string;
  readonly B: string;
}

/** Reads the pair that a request asks about, as a judge must. */
export const pairIn = ({ body }: Pick<Asked, 'body'>): SeenPair =>
  readBlock(body.messages.at(-1).content).item as SeenPair;

/** A verdict as a judge replies. */
export const verdict = (better: 'A' | 'B' | 'tie', reason = 'It does what is asked.'): Said => ({
  text: JSON.stringify({ reason, better }),
});

/** The longer answer is better. */
export const sayLonger = (asked: Pick<Asked, 'body'>): Said => {
  const { A, B } = pairIn(asked);
  return verdict(A.length === B.length ? 'tie' : A.length > B.length ? 'A' : 'B');
};

/** A verdict with the log-probabilities of its tokens: log-odds of A, in nats. */
export function verdictWithOdds(logOdds: number): Said {
  const better = logOdds > 0 ? 'A' : 'B';
  const p = 1 / (1 + Math.exp(-Math.abs(logOdds)));
  const [mine, other] = [Math.log(p * 0.98), Math.log((1 - p) * 0.98)];
  const token = (text: string) => ({ token: text, logprob: -1e-4, top_logprobs: [] });
  const top = [
    { token: better, logprob: mine },
    { token: better === 'A' ? 'B' : 'A', logprob: other },
    { token: 'tie', logprob: Math.log(0.01) },
  ];
  const content = [
    token('{"reason": "x", "better": "'),
    { token: better, logprob: mine, top_logprobs: top },
    token('"}'),
  ];
  return { text: `{"reason": "x", "better": "${better}"}`, logprobs: { content } };
}

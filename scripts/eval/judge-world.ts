import { random } from '../../src/core/random.js';
import type { ChatClient } from '../../src/endpoint/client.js';
import type { Ledger } from '../../src/endpoint/ledger.js';
import type { AnswerLine } from '../../src/endpoint/scheduler/ask-types.js';
import { createLlmJudge } from '../../src/eval/judge/llm-judge.js';
import { resolveLlm } from '../../src/eval/judge/llm-question.js';
import { pairJudgeOptionsSchema } from '../../src/eval/judge/options.js';
import { loadPairForm } from '../../src/eval/judge/pair-form.js';
import type { PairOutcome } from '../../src/eval/judge/pair-judge.js';
import type { Pair } from '../../src/eval/verdicts/pair-types.js';
import { planVerdicts, verdictsOf } from '../../src/eval/verdicts/questions.js';
import { pairIn, verdict } from '../../tests/helpers/evaluation.js';

/** A judge whose log-odds for the answer that stands first are its quality over the other's, and a position bias. */
export interface JudgeWorld {
  readonly rows: number;
  /** Log-odds of the arm against the baseline, the same for all rows, and of standing first. */
  readonly quality: number;
  readonly position: number;
  readonly seed: number;
}

/** What comes out of it, and what was put in. */
export interface JudgedWorld {
  /** Win rate of the arm in percent, as it is computed, and as the judge has it on average over both orders. */
  readonly winRate: number;
  readonly truth: number;
  /** Position bias in log-odds, from how often the arm wins first and second. */
  readonly position: number;
}

const sigmoid = (z: number) => 1 / (1 + Math.exp(-z));
const logit = (p: number) => Math.log(p / (1 - p));

/** Judges pairs by an endpoint in this process, through prompt, scheduler, ledger, parsing and pairing as they are. */
export async function judgeWorld({ rows, quality, position, seed }: JudgeWorld): Promise<JudgedWorld> {
  const draw = random(seed, 'judge');
  const pairs = Array.from({ length: rows }, (_, i): Pair => {
    const about = { set: 'world', id: String(i), baseline: 'base', arm: 'phased', run: 1, baselineRun: 1 };
    const messages = [{ role: 'user' as const, content: `Do ${i}.` }];
    return { ...about, messages, answers: { baseline: `base ${i}`, arm: `phased ${i}` } };
  });
  const client: ChatClient = {
    address: { baseUrl: 'http://127.0.0.1:1/v1', model: 'judge', local: true },
    async send(body) {
      const armFirst = pairIn({ body } as never).A.startsWith('phased');
      const first = draw.uniform() < sigmoid((armFirst ? quality : -quality) + position);
      return { reply: { text: verdict(first ? 'A' : 'B').text, finish: 'stop' } };
    },
    async close() {},
  };
  const settings = resolveLlm(pairJudgeOptionsSchema.parse({}), await loadPairForm('pair'), 'judge');
  const options = { concurrency: 16, tries: 1, retryWait: 0 };
  const judge = createLlmJudge(settings, { client, ledger: memoryLedger(), options, price: undefined });
  const plan = planVerdicts(pairs, judge, { orders: 'both', repeats: 1 });
  const outcomes: PairOutcome[] = [];
  for await (const { index, outcome } of judge.judge(plan.questions)) outcomes[index] = outcome;
  const verdicts = verdictsOf(plan, outcomes, judge);
  const armWins = (side: 'arm' | 'baseline') =>
    verdicts.filter(({ orders }) => orders.some(({ first, better }) => first === side && better === 'arm')).length /
    rows;
  return {
    winRate: (100 * verdicts.reduce((sum, { x }) => sum + x!, 0)) / rows,
    truth: 50 * (sigmoid(quality + position) + sigmoid(quality - position)),
    position: (logit(armWins('arm')) - logit(armWins('baseline'))) / 2,
  };
}

/** A ledger that nobody keeps. */
function memoryLedger(): Ledger<AnswerLine> {
  const lines = new Map<string, AnswerLine>();
  return {
    path: 'memory',
    dropped: 0,
    passedOver: 0,
    get size() {
      return lines.size;
    },
    cost: 0,
    has: (key) => lines.has(key),
    get: (key) => lines.get(key),
    failure: () => undefined,
    append: async (line) => void lines.set(line.key, line),
    flush: async () => {},
    close: async () => {},
  };
}

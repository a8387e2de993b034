import { jsonReply } from '../../scoring/parse.js';
import { excerpt } from '../../scoring/parse-number.js';
import { spokenIn, unmarked } from '../../scoring/thoughts.js';
import { claimIn, doubtBeside, type Label, labelOf } from './claims.js';
import type { PairForm } from './pair-form.js';
import { HIGHEST, LOWEST } from './pair-prompt.js';

/** What a reply says about two answers, or why it has no clear verdict. */
export type ParsedPair =
  | { readonly better: Label; readonly reason?: string }
  /** `refused`: the judge declines; asking in other words would not help. */
  | { readonly unclear: string; readonly refused?: true };

/** Longest reply that is parsed, and longest reason that is kept, in characters. */
const LONGEST = 100_000;
const LONGEST_REASON = 500;

/** How refusals begin. */
const REFUSAL =
  /^\W*(?:(?:i['’]?m|i am)\s+(?:very\s+|so\s+)?sorry|sorry|i\s+apologi[sz]e|(?:unfortunately,?\s+)?i\s*(?:cannot|can['’]?t|can not|won['’]t|will not|(?:am|['’]m)\s+(?:not able|unable))|as an ai\b)/i;

/**
 * Reads which answer a judge finds better. Accepted is what can mean one thing only: JSON with a
 * verdict, alone or in a code block, a verdict after a label (`Verdict: A`, `[[B]]`), alone in a
 * line, or in a sentence that states it; thoughts are skipped. Refused is the rest, with the
 * reason: no verdict, several, a doubtful one, or fields that changed places. Never throws; a tie
 * is only what the judge calls one.
 *
 * @example
 * const parsed = parsePair('{"reason": "B is wrong.", "better": "A"}', { reply: 'better' });
 * console.log('better' in parsed ? parsed.better : parsed.unclear); // A
 */
export function parsePair(reply: string, form: Pick<PairForm, 'reply'>, cutOff = false): ParsedPair {
  if (reply.length > LONGEST) return { unclear: `the reply has ${reply.length} characters` };
  const spoken = spokenIn(reply);
  if (!spoken) return { unclear: 'the reply ended before the thinking did, or thinks in its middle' };
  const parsed = parseSpoken(unmarked(reply.slice(spoken.start)), form, cutOff);
  if ('unclear' in parsed || spoken.before === '') return parsed;
  const before = parseSpoken(spoken.before.trim(), form, false);
  // A reply may quote a mark of thoughts, and a verdict after it, from an answer.
  return 'better' in before && before.better !== parsed.better
    ? { unclear: `several different verdicts: ${before.better}, ${parsed.better}` }
    : parsed;
}

function parseSpoken(spoken: string, { reply }: Pick<PairForm, 'reply'>, cutOff: boolean): ParsedPair {
  if (spoken === '') return { unclear: 'the reply is empty' };
  const json = jsonReply(spoken, reply === 'better' ? /\bbetter\b["']?\s*:/i : /["'][AB]["']?\s*:/);
  const whole = !cutOff || /^(?:```\w*\s*)?\{/.test(spoken);
  if (json && 'unclear' in json) return json;
  if (json && whole) return reply === 'better' ? verdictOf(json.value, json.beside) : scoresOf(json.value);
  if (cutOff) return { unclear: `the reply was cut off: "${excerpt(spoken)}"` };
  const parsed = reply === 'better' ? claimIn(spoken) : scoresIn(spoken);
  return 'unclear' in parsed && REFUSAL.test(spoken)
    ? { unclear: `the judge refused: "${excerpt(spoken)}"`, refused: true }
    : parsed;
}

const VERDICT_KEY = /^(?:better|best|verdict|winner|choice|preference|preferred)(?:[ _-]?(?:answer|response|one))?$/i;

function verdictOf(value: Readonly<Record<string, unknown>>, beside: string): ParsedPair {
  const keys = Object.keys(value).filter((key) => VERDICT_KEY.test(key));
  if (keys.length === 0) return { unclear: 'the JSON has no "better"' };
  if (keys.length > 1) return { unclear: `the JSON has several verdicts: ${keys.join(', ')}` };
  const given = value[keys[0]!];
  const better = typeof given === 'string' ? labelOf(given) : undefined;
  const reason = reasonOf(value);
  const swapped = reason === undefined ? undefined : labelOf(reason);
  if (better === undefined)
    return {
      unclear:
        swapped === undefined
          ? `the verdict in the JSON is not A, B or tie: ${excerpt(JSON.stringify(given) ?? '')}`
          : 'reason and verdict have changed places',
    };
  if (swapped !== undefined && swapped !== better)
    return { unclear: `several different verdicts: ${swapped}, ${better}` };
  const doubt = doubtBeside(beside, better);
  return doubt === undefined ? { better, ...(reason !== undefined && { reason }) } : { unclear: doubt };
}

function reasonOf(value: Readonly<Record<string, unknown>>): string | undefined {
  const given = Object.entries(value).find(([key]) => /^(?:reason|explanation|rationale)/i.test(key))?.[1];
  const text = typeof given === 'string' ? given.trim().slice(0, LONGEST_REASON) : '';
  return text === '' ? undefined : text;
}

const SCORE_KEY = /^(?:(?:score|rating|answer|response)[ _-]?)?([AB])(?:[ _-]?(?:score|rating))?$/i;

function scoresOf(value: Readonly<Record<string, unknown>>): ParsedPair {
  const scores = new Map<string, number>();
  for (const [key, given] of Object.entries(value)) {
    const label = SCORE_KEY.exec(key)?.[1]?.toUpperCase();
    if (label === undefined) continue;
    if (scores.has(label)) return { unclear: `the JSON has several scores of ${label}` };
    scores.set(label, typeof given === 'number' ? given : typeof given === 'string' ? scoreFrom(given) : Number.NaN);
  }
  const reason = reasonOf(value);
  return compared(scores.get('A'), scores.get('B'), reason);
}

const NUMBER = '(\\d+(?:\\.\\d+)?)(?:\\s*/\\s*10)?';

const scoreFrom = (text: string): number => Number(new RegExp(`^\\s*${NUMBER}\\s*$`).exec(text)?.[1] ?? Number.NaN);

/** Scores in words: both in one line, or each after its letter. */
function scoresIn(text: string): ParsedPair {
  const plain = text.replace(/```\w*|[*_`"']/g, '');
  const lines = [
    ...plain.matchAll(new RegExp(`^[ \\t]*${NUMBER}[ \\t]*(?:[ \\t]|[,;|][ \\t])[ \\t]*${NUMBER}[ \\t.]*$`, 'gm')),
  ];
  const labelled = (label: string) => [
    ...plain.matchAll(
      new RegExp(
        `\\b${label}\\)?(?:\\s+score|\\s+rating)?\\s*[:=–-]\\s*${NUMBER}(?![\\d.]*\\d|\\s*(?:to|or|-|–)\\s*\\d)`,
        'g',
      ),
    ),
  ];
  const [a, b] = [labelled('A'), labelled('B')];
  if (lines.length === 1 && a.length + b.length === 0)
    return compared(Number(lines[0]![1]), Number(lines[0]![2]), undefined);
  if (lines.length === 0 && a.length === 1 && b.length === 1)
    return compared(Number(a[0]![1]), Number(b[0]![1]), undefined);
  return { unclear: `no two scores in it that are certain: "${excerpt(text)}"` };
}

function compared(a: number | undefined, b: number | undefined, reason: string | undefined): ParsedPair {
  for (const [label, score] of [
    ['A', a],
    ['B', b],
  ] as const) {
    if (score === undefined || Number.isNaN(score)) return { unclear: `no score of ${label} in it` };
    if (score < LOWEST || score > HIGHEST)
      return { unclear: `the score of ${label} is out of range: ${score}, expected ${LOWEST} to ${HIGHEST}` };
  }
  const better = a! > b! ? 'A' : a! < b! ? 'B' : 'tie';
  const scores = `A ${a}, B ${b}`;
  return { better, reason: reason === undefined ? scores : `${scores}: ${reason}` };
}

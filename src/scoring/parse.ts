import { tryParseJson } from '../core/json-text.js';
import { scanJson } from '../io/json.js';
import { excerpt, onScale, type ParsedReply } from './parse-number.js';
import { parseText } from './parse-text.js';
import type { Scale } from './rubric.js';
import { spokenIn, unmarked } from './thoughts.js';

/** Longest reply that is parsed, in characters. */
const LONGEST = 100_000;
const LONGEST_REASON = 500;

const REFUSAL = /\b(?:sorry|cannot|can['’]t|unable|won['’]t|not able|as an ai|i do not|i don['’]t)\b/i;

/**
 * Reads the score out of a judge's reply: accepted is what can mean one thing only (`4`, `4/5`,
 * `Score: 4.`, `four`, `**4**`, JSON with a score, a line with the score before its reasons or
 * behind them; thoughts are passed over), refused is the rest, with the reason. Of a reply that was
 * cut off only whole JSON counts. Never throws, and never gives a number that is not on the scale.
 *
 * @example
 * const { scale } = await loadRubric('difficulty-1-5');
 * console.log(parseReply('Score: 4/5', scale)); // { score: 4 }
 * console.log(parseReply('I am not sure.', scale)); // { unclear: '…' }
 */
export function parseReply(reply: string, scale: Scale, cutOff = false): ParsedReply {
  if (reply.length > LONGEST) return { unclear: `the reply has ${reply.length} characters` };
  const spoken = spokenIn(reply);
  if (!spoken) return { unclear: 'the reply ended before the thinking did, or thinks in its middle' };
  const parsed = parseSpoken(unmarked(reply.slice(spoken.start)), scale, cutOff);
  const before =
    'score' in parsed && spoken.before !== '' ? parseSpoken(spoken.before.trim(), scale, false) : undefined;
  // A reply may quote a mark of thoughts, and a score behind it, from the row.
  return before && 'score' in before && 'score' in parsed && before.score !== parsed.score
    ? { unclear: `several different scores: ${before.score}, ${parsed.score}` }
    : parsed;
}

function parseSpoken(spoken: string, scale: Scale, cutOff: boolean): ParsedReply {
  if (spoken === '') return { unclear: 'the reply is empty' };
  const json = parseJsonReply(spoken, scale);
  // The words before JSON may be about an example.
  if (json && !(cutOff && !/^(?:```\w*\s*)?\{/.test(spoken))) return json;
  if (cutOff) return { unclear: `the reply was cut off: "${excerpt(spoken)}"` };
  const parsed = parseText(spoken, scale);
  return 'unclear' in parsed && REFUSAL.test(spoken) ? { unclear: `the judge refused: "${excerpt(spoken)}"` } : parsed;
}

/** The reply as JSON, alone, in a code block, or as the only braces in some words; undefined where there is none. */
function parseJsonReply(text: string, scale: Scale): ParsedReply | undefined {
  const found = jsonReply(text, /["']?\b(?:score|rating)["']?\s*:/i);
  if (found === undefined || 'unclear' in found) return found;
  return /\d/.test(found.beside) ? { unclear: 'there are numbers beside the JSON' } : scoreOf(found.value, scale);
}

/**
 * The only object of JSON in a reply, and the words beside it. Undefined where there is none;
 * unclear where it is broken, though `field` shows that it was meant to be the reply, or has a key
 * twice.
 */
export function jsonReply(
  text: string,
  field: RegExp,
):
  | { readonly value: Readonly<Record<string, unknown>>; readonly beside: string }
  | { readonly unclear: string }
  | undefined {
  const start = text.indexOf('{');
  if (start < 0) return undefined;
  const end = text.lastIndexOf('}');
  const json = text.slice(start, end + 1);
  const value = tryParseJson(json);
  if (typeof value !== 'object' || value === null)
    return field.test(text) ? { unclear: `broken JSON: "${excerpt(text)}"` } : undefined;
  const twice = scanJson(json).duplicateKey;
  if (twice !== undefined) return { unclear: `the JSON has "${excerpt(twice)}" twice` };
  return { value: value as Record<string, unknown>, beside: text.slice(0, start) + text.slice(end + 1) };
}

function scoreOf(value: Readonly<Record<string, unknown>>, scale: Scale): ParsedReply {
  const keys = Object.keys(value).filter((key) => /^(?:difficulty[ _-]?)?(?:score|rating)$|^difficulty$/i.test(key));
  if (keys.length === 0) return { unclear: 'the JSON has no "score"' };
  if (keys.length > 1) return { unclear: `the JSON has several scores: ${keys.join(', ')}` };
  const given = value[keys[0]!];
  if (typeof given !== 'number' && typeof given !== 'string')
    return { unclear: `the score in the JSON is not a number: ${excerpt(JSON.stringify(given))}` };
  const parsed = typeof given === 'number' ? onScale(given, String(given), scale) : parseText(given, scale);
  const reason = Object.entries(value).find(([key]) => /^reason/i.test(key))?.[1];
  const reasonText = typeof reason === 'string' ? reason.trim().slice(0, LONGEST_REASON) : '';
  return 'score' in parsed && reasonText !== '' ? { ...parsed, reason: reasonText } : parsed;
}

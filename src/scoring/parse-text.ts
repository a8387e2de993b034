import { excerpt, onScale, type ParsedReply } from './parse-number.js';
import type { Scale } from './rubric.js';

const WORDS = ['zero', 'one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight', 'nine', 'ten'];
const NUMBER = `-?\\d+(?:[.,]\\d+)?|(?:${WORDS.join('|')})\\b`;
const OUT_OF = '(?:\\s*(?:/|out of\\b|of\\b)\\s*(\\d+(?:[.,]\\d+)?))?(?:\\s*(?:points?|stars?|pts)\\b)?';

/** A number, what it is out of, and the rest of the line. */
const SCORE = new RegExp(`(${NUMBER})${OUT_OF}(.*)$`, 'isy');
/** A word before a score that is no other statement, with what parts it from the next. Each is matched alone, which takes time in line with the length. */
const LABEL =
  /(?:my|the|your|its?|it's|this|final|overall|total|difficulty|instruction|task|score|scored|rating|rated?|answer|level|result|grade|is|of|would|be|i|say|i'd|give|a|an|as|at)(?![\w'’])(?:[\s:=]|[-–—](?=\s))*/iy;
const NUMBER_WORD = new RegExp(`\\b(?:${WORDS.join('|')})\\b`, 'i');
/** What makes a score doubtful that it stands beside. */
const DOUBT =
  /\d|[+~±%½¼¾]|\b(?:or|to|and|between|maybe|perhaps|possibly|not|cannot|but|half|quarter|plus|minus|more|less|higher|lower|above|below|actually|instead)\b|n['’]t\b/i;
const NAMES_SCORE = /\b(?:scores?|scored|rating|rated?|grade|difficulty)\b/i;
const REASON_LINE = /^\W*(?:reason(?:ing)?|explanation|justification|rationale|because|why|notes?|comments?)\b/i;
/** "I would rate this instruction as a 4 out of 5", up to the number. */
const RATES =
  /\b(?:rate|rated|score|scored|rating|grade|give|assign)\b[^.,;:\d]{0,60}?\b(?:an?|as|at|of|is|be|it|this|with)\s+$/i;

/** What one line contributes to the score. */
interface ReadLine {
  readonly parsed: ParsedReply;
  /** A word before the number says that it is the score. */
  readonly labelled: boolean;
  /** Nothing stands after the number. */
  readonly alone: boolean;
}

/** Reads the score out of words; refuses what may mean several things. */
export function parseText(text: string, scale: Scale): ParsedReply {
  const lines = text
    .replace(/```\w*/g, '')
    .split(/\r\n|[\n\r\u2028\u2029]/)
    .map((line) => plain(line, scale))
    .filter(Boolean);
  const read = lines.map((line) => readLine(line, scale));
  if (lines.length === 1) return read[0]?.parsed ?? readSentence(lines[0]!, scale);
  const single = read.flatMap((line, i) => (line && (line.labelled || line.alone) ? [i] : []));
  if (single.length === 0) return { unclear: noScore(text) };
  const found = single.map((i) => read[i]!.parsed);
  const refused = found.find((parsed) => 'unclear' in parsed);
  if (refused) return refused;
  const scores = new Set(found.flatMap((parsed) => ('score' in parsed ? [parsed.score] : [])));
  if (scores.size > 1) return { unclear: `several different scores: ${[...scores].slice(0, 5).join(', ')}` };
  const doubt = doubtAround(
    lines,
    single,
    single.some((i) => read[i]!.labelled),
  );
  return doubt === undefined ? found[0]! : { unclear: doubt };
}

/** What in the other lines may change the score. */
function doubtAround(lines: readonly string[], chosen: readonly number[], labelled: boolean): string | undefined {
  const behind = lines.slice(chosen.at(-1)! + 1);
  const reasons = REASON_LINE.test(behind[0] ?? '');
  const doubtful = (line: string) =>
    reasons ? /\b(?:scores?|rating|rate)\b/i.test(line) : DOUBT.test(line) || NUMBER_WORD.test(line);
  if (behind.some(doubtful)) return `what follows the score may change it: "${excerpt(behind.find(doubtful)!)}"`;
  const before = lines.slice(0, chosen[0]);
  if (!labelled && before.some((line) => /\d/.test(line) || NAMES_SCORE.test(line)))
    return 'a number stands alone, with others before it';
  return undefined;
}

/** Takes emphasis, bullets, quotation marks and the ends of the scale ("(1-5)") off a line. */
function plain(line: string, { min, max }: Scale): string {
  const ends = `${min}\\s*(?:-|–|to)\\s*${max}`.replaceAll('.', '\\.');
  return line
    .replace(/[０-９．／：]/g, (wide) => String.fromCharCode(wide.charCodeAt(0) - 0xfee0))
    .replace(/\\boxed\{([^{}]*)\}/g, '$1')
    .replace(/^\s*[-*•>#]+\s+/, '')
    .replace(/[*_`"“”$]|(?<!\w)['‘’]|['‘’](?!\w)/g, '')
    .replace(/\[{1,2} ?([\d.]{1,20}) ?\]{1,2}/g, '$1')
    .replace(
      new RegExp(`\\(\\s*${ends}\\s*\\)|\\b(?:on|from|using) (?:a|the) scale (?:of|from) ${ends}(?!\\d)`, 'gi'),
      '',
    )
    .trim();
}

function readLine(line: string, scale: Scale): ReadLine | undefined {
  let at = 0;
  for (;;) {
    LABEL.lastIndex = at;
    if (!LABEL.test(line)) break;
    at = LABEL.lastIndex;
  }
  SCORE.lastIndex = at;
  const [, number, of, rest = ''] = SCORE.exec(line) ?? [];
  if (number === undefined) return undefined;
  const labelled = NAMES_SCORE.test(line.slice(0, at));
  const score = () => numberOf(number, of, scale);
  if (/^[\s.!)(\]]*$/.test(rest)) return { parsed: score(), labelled, alone: true };
  const parted = labelled ? /^[\s.,;:!(–—]/ : /^(?:\s*[:(,]|\s+[-–—]\s|\s+because\b)/i;
  if (DOUBT.test(rest) || NUMBER_WORD.test(rest) || (labelled && !parted.test(rest)))
    return { parsed: { unclear: `it may mean several things: "${excerpt(line)}"` }, labelled, alone: false };
  // "4 steps are needed" is not a score.
  return parted.test(rest) ? { parsed: score(), labelled, alone: false } : undefined;
}

/** One sentence that gives a score and has one number only: "I would rate this instruction a 4 out of 5." */
function readSentence(line: string, scale: Scale): ParsedReply {
  const numbers = [...line.matchAll(new RegExp(`(?<![\\w.,/-])(?:${NUMBER})${OUT_OF}`, 'gi'))];
  const first = numbers[0];
  if (!first) return { unclear: noScore(line) };
  if (numbers.length > 1) return { unclear: `several numbers: "${excerpt(line)}"` };
  const [before, behind] = [line.slice(0, first.index), line.slice(first.index + first[0].length)];
  const certain = RATES.test(before) && /^\s*(?:[.,;:!()]|$|because\b|since\b|for\b|due\b)/i.test(behind);
  if (!certain || DOUBT.test(before) || DOUBT.test(behind)) return { unclear: `no certain score: "${excerpt(line)}"` };
  return numberOf(/^(?:-?[\d.,]*\d|[a-z]+)/i.exec(first[0])![0], first[1], scale);
}

/** A number by its text; `of` is what it was said to be out of. */
function numberOf(text: string, of: string | undefined, scale: Scale): ParsedReply {
  if (text.includes(',')) return { unclear: `"${text}" may be one number or two` };
  if (of !== undefined && Number(of) !== scale.max)
    return { unclear: `a score out of ${of}, where the scale ends at ${scale.max}` };
  const word = WORDS.indexOf(text.toLowerCase());
  return onScale(word < 0 ? Number(text) : word, text, scale);
}

const noScore = (text: string) => `no score in it: "${excerpt(text)}"`;

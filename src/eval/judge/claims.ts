import { excerpt } from '../../scoring/parse-number.js';

/** What a judge of two answers can say. */
export type Label = 'A' | 'B' | 'tie';

/** Marks that may stand around a verdict. */
const MARKS = '[\\s"\'“”`*_()\\[\\].!#>-]*';
const ALL_OF_IT = new RegExp(
  `^${MARKS}(?:(?:answer|response|option)\\s+)?${MARKS}(?:(?:an?\\s+)?(tie|draw)|([ab]))${MARKS}$`,
  'i',
);

/** A verdict that stands for itself: `A`, `answer B`, `[[tie]]`. */
export function labelOf(text: string): Label | undefined {
  const found = text.length > LONGEST_LABEL ? null : ALL_OF_IT.exec(text);
  if (!found) return undefined;
  return found[1] === undefined ? (found[2]!.toUpperCase() as Label) : 'tie';
}

const LONGEST_LABEL = 40;

/** A statement that names a verdict. */
interface Claim {
  readonly label: Label;
  readonly from: number;
  readonly to: number;
  /** It is marked as the verdict, or stands alone in its line. */
  readonly final: boolean;
}

const SIDE = '(?:(?:answer|response|option)\\s+)?[("[]{0,3}([AB])\\b(?!\\s*[\'’]s?\\b)';
const NAMED = `(?:(?:an?\\s+)?(tie|draw)(?![\\w-])|${SIDE})`;
const DEGREE =
  '(?:(?:clearly|slightly|somewhat|much|far|a bit|a little|marginally|overall|generally|significantly|definitely|the|simply|just)\\s+)*';

/** Statements that name a verdict; the first group is a tie, the second an answer. */
const PATTERNS: readonly { readonly pattern: RegExp; readonly final: boolean }[] = [
  { pattern: /\[\[\s*(?:(tie|draw)|([AB]))\s*\]\]/gi, final: true },
  {
    pattern: new RegExp(
      `\\b(?:better|best|winner|winning|verdict|preferred|preference|choice|decision|judge?ment|conclusion)(?:\\s+(?:answer|response|option|one|verdict))?\\s*(?:is\\s*:?|:|=|[-–—]+|would be|goes to)\\s*(?:that\\s+)?${NAMED}`,
      'gi',
    ),
    final: true,
  },
  {
    pattern: new RegExp(
      `()${SIDE}\\s+is\\s+${DEGREE}(?:better|best|superior|stronger|preferable|preferred|winner)\\b(?!\\s+(?:at|in|on|for|regarding|when|where|if|with)\\b)`,
      'gi',
    ),
    final: false,
  },
  {
    pattern: new RegExp(
      `\\bI(?:['’]d|\\s+would|\\s+will)?\\s+(?:prefer|choose|pick|select|go with|vote for|call it)\\s+${NAMED}`,
      'gi',
    ),
    final: false,
  },
  { pattern: new RegExp(`()${SIDE}\\s+wins\\b`, 'gi'), final: false },
  { pattern: /\b(?:it['’]?s|it is|this is|call it)\s+an?\s+(tie|draw)(?![\w-])()/gi, final: false },
];

/** A verdict alone in its line; a small letter may be anything. */
const ALONE =
  /^[\s#>-]*(?:[Aa]nswer\s+|[Rr]esponse\s+|[Oo]ption\s+)?[([]*(?:A|B|(?:[Aa]n?\s+)?(?:[Tt]ie|TIE|[Dd]raw))[)\].!]*\s*$/;
/** What makes a statement doubtful that comes after it in its sentence. */
const NEGATES =
  /\b(?:not|never|neither|nor|no|if|unless|whether|either|hardly|cannot|could|might|may|perhaps|maybe|possibly|example|instead of|rather than|almost|nearly|claims?|says?)\b|n['’]t\b/i;
/** The same, directly after it. */
const TAKES_BACK =
  /^[)\]"'*_\s]*(?:[/&>=]|,?\s*(?:or|and|but|if|unless|though|although|except|however)\b|,\s*[AB]\b|\?)/i;

/**
 * Finds the one verdict that words state. Of several only the last counts, where it is marked as the verdict, ends the
 * text, and no other marked one differs. A doubtful statement is none, and makes the whole text unclear.
 */
export function claimIn(text: string): { readonly better: Label } | { readonly unclear: string } {
  const alone = labelOf(text);
  if (alone !== undefined) return { better: alone };
  const plain = text.replace(/```\w*/g, '').replace(/[*_`"“”]/g, '');
  const claims = claimsOf(plain);
  if (claims.length === 0) return { unclear: `no verdict in it: "${excerpt(text)}"` };
  const doubtful = claims.find((claim) => isDoubtful(plain, claim));
  if (doubtful) return { unclear: `no certain verdict: "${excerpt(sentenceOf(plain, doubtful).all)}"` };
  const finals = claims.filter(({ final }) => final);
  const labels = new Set((finals.length > 0 ? finals : claims).map(({ label }) => label));
  if (labels.size > 1) return { unclear: `several different verdicts: ${[...labels].join(', ')}` };
  const [better] = labels;
  const last = Math.max(...finals.map(({ to }) => to));
  const against = claims.filter(({ label }) => label !== better);
  // Weighing this against that is fine before a verdict that ends the text.
  const ends =
    finals.length > 0 && !/\S[^\n]*\n[^\n]*\S/.test(plain.slice(last)) && against.every(({ to }) => to < last);
  if (against.length > 0 && !(ends && against.every(({ to }) => to < last)))
    return { unclear: `several different verdicts: ${better}, ${against[0]!.label}` };
  return { better: better! };
}

function claimsOf(text: string): Claim[] {
  const claims: Claim[] = [];
  for (const { pattern, final } of PATTERNS)
    for (const match of text.matchAll(pattern)) {
      const label = match[1] ? 'tie' : match[2]!;
      // A small letter is an article: "the better choice is a longer one".
      if (label === 'tie' || label === 'A' || label === 'B')
        claims.push({ label, from: match.index, to: match.index + match[0].length, final });
    }
  let at = 0;
  for (const line of text.split('\n')) {
    const label = ALONE.test(line) ? labelOf(line) : undefined;
    if (label !== undefined) claims.push({ label, from: at, to: at + line.length, final: true });
    at += line.length + 1;
  }
  return claims.sort((x, y) => x.to - y.to);
}

function isDoubtful(text: string, claim: Claim): boolean {
  const { before, after } = sentenceOf(text, claim);
  if (NEGATES.test(before) || TAKES_BACK.test(after) || after.endsWith('?')) return true;
  // A tie that leans to one side is none.
  return claim.label === 'tie' && /\b[AB]\b/.test(after);
}

/** Most characters of a sentence that are looked at, on either side. */
const SENTENCE = 500;

function sentenceOf(text: string, { from, to }: Claim) {
  const before = text
    .slice(Math.max(0, from - SENTENCE), from)
    .split(/[.!?\n]/)
    .at(-1)!;
  const after = /^[^.!?\n]*\??/.exec(text.slice(to, to + SENTENCE))![0];
  return { before, after, all: before + text.slice(from, to) + after };
}

/** What words beside a verdict in JSON say against it; undefined for nothing. */
export function doubtBeside(words: string, better: Label): string | undefined {
  const plain = words.replace(/```\w*/g, '').replace(/[*_`"“”]/g, '');
  const other = claimsOf(plain).find(({ label }) => label !== better);
  if (other) return `several different verdicts: ${other.label}, ${better}`;
  return /\b(?:not|instead of|example|unless|if)\b|n['’]t\b/i.test(plain)
    ? `words beside the JSON make it doubtful: "${excerpt(words)}"`
    : undefined;
}

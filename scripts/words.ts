// Words that phasetune's prose does not use, and finding them in Markdown, YAML and TypeScript.
import ts from 'typescript';

/** A word or phrase that a reader would stumble over, and what to write instead. */
interface Rule {
  pattern: RegExp;
  instead: string;
}

/** A space in a phrase also matches a line break. */
const rule = (pattern: string, instead: string): Rule => ({
  pattern: new RegExp(`(?:\\b|(?=[,;] ))(?:${pattern.replaceAll(' ', '\\s+')})`, 'gi'),
  instead,
});

const RULES: readonly Rule[] = [
  rule(
    "tell(?:s|ing)?\\b(?! (?:\\S+ ){0,4}apart\\b)(?<!\\bcan(?:not| not|'t)? tell)|told\\b(?! apart\\b)",
    'report, print, show or say',
  ),
  rule('anew\\b', 'again, or from scratch'),
  rule('behind\\b(?! (?:\\S+ )?(?:proxy|proxies|gateway|firewall|address)\\b)', 'after (or name the place)'),
  rule('(?:but|save) for\\b', 'except'),
  rule('heed(?:s|ed|ing)?\\b', 'honour or follow'),
  rule('mend(?:s|ed|ing)?\\b', 'fix'),
  rule('lacking\\b|lack(?:s|ed)?(?=[.,;:)]|$| (?:in|from|and|or|but|there|here)\\b)', 'is missing'),
  rule('(?:go(?:es|ne)?|went) on\\b(?! (?:top|the|a|one line)\\b)|going on (?:with|from|to)\\b', 'continue or resume'),
  rule('rising\\b', 'increasing or ascending'),
  rule('(?<!\\bone (?:\\S+ ){0,5})at a time\\b', 'together or at once'),
  rule('h[eo]ld(?:s|ing)? (?:\\S+ ){0,3}against\\b', 'compare with'),
  rule(
    'of (?:its|their) own(?=[.,;:)]|$| (?:for|to|in|with|on|and|or|by|at|from|as|that|which|is|are|may|has|had|beside)\\b)',
    'its own, or a separate',
  ),
  rule('waits? doubles?\\b|chance in (?:it|them)\\b', 'exponential backoff with jitter'),
  rule('rows alike\\b|(?:of|two|are) like (?:rows|length|size)\\b|like rows\\b', 'similar rows, near-duplicates'),
  rule('the very (?!first\\b|last\\b|end\\b)\\w+', 'exactly the same'),
  rule('parted\\b', 'divided or split'),
  rule('in the place of\\b', 'instead of'),
  rule('in all(?=[.,;:)])', 'in total'),
  rule('by turns\\b', 'in turn or alternately'),
  rule('lately\\b', 'recently'),
  rule('lest\\b', 'so that … not'),
  rule('(?:whence|thence|thereof|whereof|hitherto)\\b', 'from where, of it, so far'),
  rule('that (?:is|are) there\\b|what there is\\b', 'existing or available'),
  rule(
    '(?:a (?:number|line|row|reply|band|folder|file)|rows|tokens|nats|seconds|epochs|steps|lines|stages|bytes|batches|values) an? (?:band|row|line|stage|reply|question|step|batch|token|request|op|epoch)(?=[.,;:)]|$)',
    'one … per …, … per …',
  ),
  rule('passed over\\b', 'skip or ignore'),
  rule('without a word\\b|no word (?:of|on)\\b', 'silently'),
  rule('read off\\b', 'derived or measured from'),
  rule('[,;] else\\b', 'otherwise'),
  rule('begun\\b', 'started'),
  rule('look(?:s|ed)? after\\b', 'check'),
  rule('stands? (?:in|under|nowhere|there|before|behind)\\b', 'is in, appears'),
  rule('(?:lie|lies|lay) (?:in|beside|under|there)\\b', 'is in, is next to'),
  rule('that (?:is|are) none\\b', 'that is not one'),
  rule(
    '(?<!\\bthere )(?:is|was|are|were) no (?:number|adapter|folder|file|address|id|row|text|record|tensor|model|token|score)s?\\b',
    'is not a …, or there is no …',
  ),
  rule('nothing of (?:it|them|this|these)\\b', 'none of'),
  rule('of (?:another|other|one) make\\b|of other people.s making\\b', 'from others'),
];

/** Sentences where a refused word is right, each with the reason. */
const ALLOWED: readonly { sentence: string; because: string }[] = [
  {
    sentence: 'with a mark that is told before and stands nowhere else',
    because: 'part of the prompt to a judge: replies that are already paid for belong to exactly this text',
  },
  {
    sentence: 'or a reply that stands in it counts for nothing',
    because: 'part of the prompt to a judge, like the one above',
  },
];

/** A refused word in a text. */
export interface Finding {
  line: number;
  word: string;
  instead: string;
}

interface Passage {
  /** Index of the passage's beginning in its file. */
  start: number;
  text: string;
}

const blanked = (text: string) => text.replace(/[^\n]/g, ' ');

/** Markdown and YAML: all of it, except code between backticks and the addresses of links. */
const proseOf = (text: string): Passage[] => [
  { start: 0, text: text.replace(/`[^`\n]*`/g, blanked).replace(/\]\([^)\s]*\)|https?:\/\/\S+/g, blanked) },
];

/** TypeScript: every string and template of more than one word; what a template puts in counts as a blank. */
function messagesOf(file: string, text: string): Passage[] {
  const passages: Passage[] = [];
  const add = (node: ts.Node, quoted: string) => {
    if (/[a-z]\S*\s+\S*[a-z]/i.test(quoted)) passages.push({ start: node.getStart(), text: quoted });
  };
  const visit = (node: ts.Node): void => {
    if (ts.isStringLiteral(node) || ts.isNoSubstitutionTemplateLiteral(node)) add(node, node.getText());
    if (ts.isTemplateExpression(node)) {
      let quoted = node.getText();
      for (const { expression } of node.templateSpans) {
        const from = expression.getStart() - node.getStart();
        const to = expression.getEnd() - node.getStart();
        quoted = quoted.slice(0, from) + blanked(quoted.slice(from, to)) + quoted.slice(to);
      }
      add(node, quoted);
    }
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true));
  return passages;
}

/** The refused words in a file's prose: in TypeScript its messages and help, elsewhere the whole text. */
export function findWords(file: string, text: string): Finding[] {
  const passages = file.endsWith('.ts') ? messagesOf(file, text) : proseOf(text);
  const isAllowed = (index: number) =>
    ALLOWED.some(({ sentence }) => {
      const start = text.lastIndexOf(sentence, index);
      return start >= 0 && index < start + sentence.length;
    });
  return passages
    .flatMap(({ start, text: passage }) =>
      RULES.flatMap(({ pattern, instead }) =>
        [...passage.matchAll(pattern)].map((match) => ({ at: start + match.index, word: match[0], instead })),
      ),
    )
    .filter(({ at }) => !isAllowed(at))
    .sort((one, other) => one.at - other.at)
    .map(({ at, word, instead }) => ({
      line: text.slice(0, at).split('\n').length,
      word: word.replace(/\s+/g, ' '),
      instead,
    }));
}

import type { Block } from '../../telemetry/document.js';
import { formatCount } from '../../telemetry/format.js';
import type { Agreement, People } from './people-schema.js';

type Interval = Readonly<{ low: number | null; high: number | null }>;

const between = ({ low, high }: Interval, digits: number, factor = 1): string =>
  low === null || high === null ? '-' : `[${(factor * low).toFixed(digits)}, ${(factor * high).toFixed(digits)}]`;

const share = ({ value, ...interval }: Agreement['agreement']): string =>
  value === null ? '-' : `${(100 * value).toFixed(1)} ${between(interval, 1, 100)}`;

const rate = ({ winRate, ...interval }: Interval & { readonly winRate: number | null }): string =>
  winRate === null ? '-' : `${winRate.toFixed(1)} ${between(interval, 1)}`;

/** The part of the report about people. */
export function peopleBlocks(people: People, baseline: string): Block[] {
  return [
    { kind: 'heading', text: 'People' },
    { kind: 'paragraph', text: whoBy(people) },
    ...agreementBlocks(people),
    ...rateBlocks(people, baseline),
    ...problemBlocks(people),
  ];
}

function whoBy({ people, pairs, outdated }: People): string {
  const who = people.map(({ name, rated }) => `${name} ${formatCount(rated)}`).join(', ');
  const left =
    outdated > 0
      ? ` Another ${formatCount(outdated)} rated pairs have other answers now than when they were rated, and do not count.`
      : '';
  return `People rated ${formatCount(pairs)} pairs without knowing the arms (${who}).${left}`;
}

function agreementBlocks({ judges, amongPeople }: People): Block[] {
  const row = (name: string, { votes, pairs, agreement, decided, kappa }: Agreement): string[] => [
    name,
    share(agreement),
    share(decided),
    kappa.value === null ? '-' : `${kappa.value.toFixed(2)} ${between(kappa, 2)}`,
    formatCount(votes),
    formatCount(pairs),
  ];
  const rows = [
    ...Object.entries(judges).map(([name, agreement]) => row(name, agreement)),
    ...(amongPeople ? [row('people with each other', amongPeople)] : []),
  ];
  if (rows.length === 0) return [];
  const ceiling = amongPeople
    ? 'People do not agree with each other in all pairs either: their agreement is the most that can be expected of a judge.'
    : 'Nobody rated the same pairs as another person, so it is not known how far people agree with each other: the most that can be expected of a judge.';
  return [
    {
      kind: 'table',
      rows: [['agreement with people', 'all votes, %', 'without ties, %', 'kappa', 'votes', 'pairs'], ...rows],
    },
    {
      kind: 'paragraph',
      text: `${ceiling} Without ties: of the votes in which neither said tie. Kappa is 0 for agreement by chance, and 1 for complete agreement.`,
    },
  ];
}

function rateBlocks({ arms }: People, baseline: string): Block[] {
  const rows = Object.entries(arms)
    .filter(([, { people }]) => people.n > 0)
    .map(([arm, { people, judgeSame, judge, corrected }]) => [
      arm,
      rate(people),
      rate(judgeSame),
      rate(judge),
      corrected ? rate(corrected) : '-',
      formatCount(people.n),
    ]);
  if (rows.length === 0) return [];
  return [
    {
      kind: 'table',
      rows: [['win %', 'people', 'judge, same pairs', 'judge, all', 'corrected', 'rated'], ...rows],
    },
    {
      kind: 'paragraph',
      text: `Corrected: how often people would prefer the arm's answer to ${baseline}'s in all pairs, as far as their votes on some and the judge's on all can say (prediction-powered inference). Where it contains 50, people's preference is not known, whatever the judge says.`,
    },
  ];
}

/** Problems that the report lists. */
const LISTED = 10;

function problemBlocks({ unreadable }: People): Block[] {
  if (unreadable.length === 0) return [];
  const more = unreadable.length > LISTED ? `\n- and ${formatCount(unreadable.length - LISTED)} more` : '';
  const lines = unreadable.slice(0, LISTED).map((problem) => `- ${problem}`);
  return [
    { kind: 'paragraph', text: `Ratings that could not be read, and do not count:\n\n${lines.join('\n')}${more}` },
  ];
}

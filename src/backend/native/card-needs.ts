import type { Card, Problem } from './detect.js';

/**
 * The oldest compute capability that the library has machine code for. PyPI's wheel of TensorFlow
 * 2.21 brings code for 6.0, 7.0, 8.0 and 8.9, and for 9.0 an intermediate form (PTX): so say
 * the headers of its embedded code.
 */
const OLDEST = 6;
/** From here on the driver compiles that intermediate form. */
const COMPILED_BY_DRIVER = 9;
/** Ampere: bfloat16 in the tensor cores, and cuDNN's flash attention. */
const BFLOAT16 = 8;
/** Blackwell: CUDA's libraries have machine code for it from 12.8 on. */
const BLACKWELL = 10;

/**
 * Packages that TensorFlow lists for cards and phasetune's programs do not reach. The library opens
 * NCCL when the first op between several cards of one process runs, and phasetune gives each card
 * a process; it has no call of cuRAND, and no other library of CUDA links to it.
 */
const NOT_REACHED = ['nvidia-nccl-cu12', 'nvidia-curand-cu12'];

const CUDNN = 'nvidia-cudnn-cu12';

/** The compute capability as a number; undefined where the driver does not say. */
const capability = (card: Card): number | undefined => (card.capability ? Number(card.capability) : undefined);

const all = (cards: readonly Card[], holds: (of: number) => boolean): boolean =>
  cards.length > 0 && cards.every((card) => holds(capability(card) ?? Number.NaN));

/** True where the CUDA with which TensorFlow was built does for these cards; false where no card can be asked. */
export const olderCudaDoes = (cards: readonly Card[]): boolean => all(cards, (of) => of < BLACKWELL);

/**
 * What to fetch for the cards that are there, out of the requirements of TensorFlow's extra. Without
 * a card, and for Blackwell, each package in its newest version within the range. For older cards the
 * lowest one: with these TensorFlow was built, and they are two thirds as large. The exception is
 * cuDNN, which is the newest for all cards that have its flash attention.
 */
export function packagesFor(requirements: readonly string[], cards: readonly Card[]): string[] {
  const older = olderCudaDoes(cards);
  const flash = cards.some((card) => (capability(card) ?? 0) >= BFLOAT16);
  return requirements.flatMap((requirement) => {
    const name = /^[\w.-]+/.exec(requirement)?.[0] ?? '';
    const lowest = />=\s*([\w.]+)/.exec(requirement)?.[1];
    if (NOT_REACHED.includes(name)) return [];
    return older && lowest && !(name === CUDNN && flash) ? [`${name}==${lowest}`] : [requirement];
  });
}

const described = (card: Card) => `${card.name} (compute capability ${card.capability})`;

/** Where no card of the machine is new enough for the library. */
export function oldCards(cards: readonly Card[]): Problem | undefined {
  if (!all(cards, (of) => of < OLDEST)) return undefined;
  return {
    what: `TensorFlow's library for cards needs compute capability ${OLDEST}.0 or newer, and this machine has the ${described(cards[0]!)}`,
    remedy: { task: 'setup', options: { cpu: true }, note: 'to compute on the processor' },
  };
}

/** Where the CUDA that is set up is older than one of the cards. */
export function cudaTooOld(release: string | undefined, cards: readonly Card[]): Problem | undefined {
  const newest = cards.find((card) => (capability(card) ?? 0) >= BLACKWELL);
  if (!release || !newest || Number(release.split('.')[1]) >= 8) return undefined;
  return {
    what: `the libraries of CUDA ${release} that are set up have no code for the ${described(newest)}`,
    remedy: { task: 'setup', options: { cuda: true }, note: 'to fetch newer ones' },
  };
}

/** What users of a card should know although nothing is wrong, as sentences. */
export function cardNotes(card: Card): string[] {
  const of = capability(card);
  if (of === undefined || of < OLDEST) return [];
  if (of >= COMPILED_BY_DRIVER)
    return [
      `the first run on the ${described(card)} compiles kernels for it, which takes tens of seconds; the driver keeps them in ~/.nv/ComputeCache`,
    ];
  if (of >= BFLOAT16) return [];
  return [
    `the ${described(card)} has no units for bfloat16 and no flash attention, both of which begin with 8.0: expect long rows and bfloat16 to be slow`,
  ];
}

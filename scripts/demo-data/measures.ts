import { between, chance, type Kind, oneOf } from './draft.js';

interface Unit {
  readonly big: string;
  readonly bigShort: string;
  readonly small: string;
  readonly smallShort: string;
  readonly factor: number;
}

const unit = (big: string, bigShort: string, small: string, smallShort: string, factor: number): Unit => ({
  big,
  bigShort,
  small,
  smallShort,
  factor,
});

const UNITS: readonly Unit[] = [
  unit('metres', 'm', 'centimetres', 'cm', 100),
  unit('kilometres', 'km', 'metres', 'm', 1000),
  unit('centimetres', 'cm', 'millimetres', 'mm', 10),
  unit('kilograms', 'kg', 'grams', 'g', 1000),
  unit('litres', 'l', 'millilitres', 'ml', 1000),
  unit('hours', 'h', 'minutes', 'min', 60),
  unit('minutes', 'min', 'seconds', 's', 60),
  unit('days', 'd', 'hours', 'h', 24),
];

/** Units of length, weight, volume and time into larger and smaller ones; the answer is a number and the short unit. */
export const convert: Kind = (rng) => {
  const { big, bigShort, small, smallShort, factor } = oneOf(rng, UNITS);
  const long = chance(rng, 0.6);
  const [from, to] = long ? [big, small] : [bigShort, smallShort];
  const n = between(rng, 2, 20);
  const hard = (factor % 10 === 0 && factor !== 60 ? 0 : 1) + (n > 10 ? 1 : 0);
  const form = rng.integer(5);
  const ask = (amount: string, target: string) =>
    oneOf(rng, [
      `Convert ${amount} to ${target}.`,
      `${amount} in ${target}?`,
      `How much is ${amount} in ${target}?`,
      `Write ${amount} in ${target}.`,
      `Change ${amount} into ${target}.`,
      `I have ${amount}. What is that in ${target}?`,
    ]);
  if (form === 0)
    return {
      prompt: ask(`${n} ${from}`, to),
      answer: `${n * factor} ${smallShort}`,
      load: { steps: 1, items: 1, awkward: hard },
      key: `${n}${bigShort}${smallShort}`,
    };
  if (form === 1)
    return {
      prompt: ask(`${n * factor} ${to}`, from),
      answer: `${n} ${bigShort}`,
      load: { steps: 2, items: 1, awkward: hard },
      key: `${n}${smallShort}${bigShort}`,
    };
  if (form === 2) {
    const answer = `${n * factor + factor / 2} ${smallShort}`;
    return {
      prompt: ask(`${n}.5 ${from}`, to),
      answer,
      load: { steps: 1, items: 1, awkward: hard + 1 },
      key: `${n}.5${bigShort}${smallShort}`,
    };
  }
  const rest = between(rng, 1, factor > 60 ? 9 : factor - 1) * (factor > 60 ? factor / 10 : 1);
  if (form === 3) {
    const amount = `${n} ${from} and ${rest} ${to}`;
    return {
      prompt: ask(amount, to),
      answer: `${n * factor + rest} ${smallShort}`,
      load: { steps: 2, items: 2, awkward: hard },
      key: amount,
    };
  }
  const half = chance(rng, 0.5) ? 1 : 0;
  const amount = `${n}${half ? '.5' : ''} ${from}`;
  const prompt = oneOf(rng, [
    `How many ${to} are left when ${rest} ${to} are taken from ${amount}?`,
    `Take ${rest} ${to} away from ${amount}. What is left, in ${to}?`,
    `${amount} minus ${rest} ${to}, in ${to}?`,
    `I had ${amount} and used ${rest} ${to}. How many ${to} remain?`,
  ]);
  const left = n * factor + (half * factor) / 2 - rest;
  const load = { steps: 3, items: 3, awkward: hard + half };
  return { prompt, answer: `${left} ${smallShort}`, load, key: `${n}.${half}${bigShort}-${rest}${smallShort}` };
};

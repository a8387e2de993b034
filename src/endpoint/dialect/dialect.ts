import type { ChatRequest, Feature } from '../types.js';

/** How a request is put so that an endpoint takes it. */
export interface Dialect {
  /**
   * How it calls the limit of tokens. Reasoning models want the longer name; others may not know
   * it, and would then write without a limit.
   */
  readonly limit: 'max_tokens' | 'max_completion_tokens';
  /** What is not sent. */
  readonly without: ReadonlySet<Feature>;
  /** Most alternatives of a token that are asked for. */
  readonly mostLogprobs: number;
  /** It answers as a stream only. */
  readonly stream: boolean;
}

/** What of a request an endpoint may refuse: a feature, the name of the limit, or that the reply shall come whole. */
export type Part = Feature | 'limit' | 'whole';

/** How a feature is named that an endpoint refuses, and one that it takes again. */
const NAMES: Readonly<Record<Feature, readonly [refused: string, taken: string]>> = {
  schema: ['replies in the shape of a JSON Schema; it is asked in words alone', 'a JSON Schema'],
  logprobs: ['log-probabilities; replies come without them', 'log-probabilities'],
  systemTurn: ['a system turn; its text begins the user turn', 'a system turn'],
  temperature: ['this temperature; its own is used', 'a temperature'],
  seed: ['a seed; replies may differ from run to run', 'a seed'],
};

/** All features, those that are refused most often first. */
export const FEATURES = Object.keys(NAMES) as readonly Feature[];

/** The dialect to begin with. */
export const firstDialect = (baseUrl: string): Dialect => ({
  limit: new URL(baseUrl).hostname === 'api.openai.com' ? 'max_completion_tokens' : 'max_tokens',
  without: new Set(),
  mostLogprobs: Number.POSITIVE_INFINITY,
  stream: false,
});

/** The features that a request asks for. */
export function requestedFeatures(request: ChatRequest): Feature[] {
  const { schema, topLogprobs, messages, temperature, seed } = request;
  const asked: Record<Feature, boolean> = {
    schema: schema !== undefined,
    logprobs: topLogprobs !== undefined,
    systemTurn: messages[0]?.role === 'system' && messages[1]?.role === 'user',
    temperature: temperature !== undefined,
    seed: seed !== undefined,
  };
  return FEATURES.filter((feature) => asked[feature]);
}

/** What of a request is sent in a dialect that may be refused. */
export function sentParts(request: ChatRequest, dialect: Dialect): Part[] {
  const features = requestedFeatures(request).filter((feature) => !dialect.without.has(feature));
  return [...features, ...(request.maxTokens === undefined ? [] : (['limit'] as const)), ...whole(dialect)];
}

const whole = ({ stream }: Dialect): Part[] => (stream ? [] : ['whole']);

/** The dialect without a feature. */
export const withoutFeature = (dialect: Dialect, feature: Feature): Dialect => ({
  ...dialect,
  without: new Set([...dialect.without, feature]),
});

/** The dialect with the limit's other name. */
const withOtherLimit = (dialect: Dialect): Dialect => ({
  ...dialect,
  limit: dialect.limit === 'max_tokens' ? 'max_completion_tokens' : 'max_tokens',
});

/** The dialect with one part as another dialect has it. */
export function restorePart(dialect: Dialect, part: Part, from: Dialect): Dialect {
  if (part === 'limit') return { ...dialect, limit: from.limit };
  if (part === 'whole') return { ...dialect, stream: from.stream };
  const without = new Set(dialect.without);
  without.delete(part);
  return { ...dialect, without, ...(part === 'logprobs' && { mostLogprobs: from.mostLogprobs }) };
}

/**
 * What may help where a part is refused, in the order in which it is tried. `most` is how many
 * alternatives the refusal allows.
 */
export function alternativeDialects(part: Part, request: ChatRequest, dialect: Dialect, most?: number): Dialect[] {
  if (part === 'limit') return [withOtherLimit(dialect)];
  if (part === 'whole') return [{ ...dialect, stream: true }];
  const fewer = part === 'logprobs' ? fewerThan(Math.min(request.topLogprobs!, dialect.mostLogprobs), most) : [];
  return [...fewer.map((mostLogprobs) => ({ ...dialect, mostLogprobs })), withoutFeature(dialect, part)];
}

/** Numbers of alternatives that servers allow at most: 5 at Azure and Fireworks. */
const fewerThan = (sent: number, most: number | undefined): number[] =>
  [...new Set([most ?? 5, 5, 3])].filter((n) => n >= 1 && n < sent);

/** Under what name it is noted that an endpoint took a part: the name of the limit counts for itself. */
export const proofOf = (part: Part, { limit }: Dialect): string => (part === 'limit' ? limit : part);

/** The same for the same dialects. */
export const signOf = ({ limit, without, mostLogprobs, stream }: Dialect): string =>
  JSON.stringify([limit, FEATURES.filter((feature) => without.has(feature)), String(mostLogprobs), stream]);

/** What to report about a change from one dialect to another, one line each. */
export function describeChanges(from: Dialect, to: Dialect): string[] {
  const lost = FEATURES.filter((feature) => to.without.has(feature) && !from.without.has(feature));
  const won = FEATURES.filter((feature) => from.without.has(feature) && !to.without.has(feature));
  return [
    ...lost.map((feature) => `the endpoint refuses ${NAMES[feature][0]}`),
    ...won.map((feature) => `the endpoint takes ${NAMES[feature][1]} again`),
    ...(to.limit === from.limit ? [] : [`the endpoint refuses "${from.limit}"; the limit is called "${to.limit}"`]),
    ...(to.mostLogprobs < from.mostLogprobs
      ? [`the endpoint gives at most ${to.mostLogprobs} alternatives of a token; that many are asked for`]
      : []),
    ...(to.stream && !from.stream ? ['the endpoint answers as a stream only; it is asked for one'] : []),
  ];
}

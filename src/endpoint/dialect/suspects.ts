import type { ErrorBody } from '../answers/error-body.js';
import type { ChatRequest } from '../types.js';
import { type Dialect, type Part, sentParts } from './dialect.js';

/** What a refusal says of the field that it is about. */
export type Complaint = Pick<ErrorBody, 'message' | 'param' | 'names' | 'issues'>;

/** The fields of a request by which a part is sent, also as gateways name them that put it in other words. */
const FIELDS: Readonly<Record<Part, RegExp>> = {
  schema:
    /^(response_?format|text\.format|output_(format|config)|json_schema|guided_|structured_output|(generation_?config\.)?response_?(json_?)?schema)/i,
  logprobs: /^(generation_?config\.)?((top_?)?log_?probs|response_?logprobs)\b/i,
  systemTurn: /^(messages\W?0\W{0,2}role|system(_?instruction)?$)/i,
  temperature: /^(generation_?config\.)?temperature$/i,
  seed: /^(generation_?config\.)?seed$/i,
  limit: /^max_(completion_)?tokens$/,
  whole: /^stream$/,
};

/** Codes of a field that a server does not know at all; others may be about its value. */
const UNKNOWN =
  /^(unsupported_parameter|unknown_parameter|unrecognized_(parameter|field|request_argument\w*)|unknown_field|extra_forbidden)$/;

/**
 * The part of a request that a refusal names, by the field that it gives as the cause:
 * unmistakable, since no row can put it there. The limit is named only where its name is unknown: a
 * value that is too large is the row's.
 */
export function namedPart(complaint: Complaint, request: ChatRequest, dialect: Dialect): Part | undefined {
  const { param, names, issues } = complaint;
  const fields = [
    ...(param === undefined ? [] : [{ field: param, unknown: names.some((name) => UNKNOWN.test(name)) }]),
    ...issues.map(({ at, type = '' }) => ({ field: at, unknown: UNKNOWN.test(type) })),
  ].map(({ field, unknown }) => ({ field: bareField(field), unknown }));
  const isNamed = (part: Part) =>
    fields.some(({ field, unknown }) =>
      part === 'limit' ? field === dialect.limit && unknown : FIELDS[part].test(field),
    );
  return sentParts(request, dialect).find(isNamed);
}

/** A field's place within the request, however a server writes it: `body.seed`, `$.seed`, `'seed'`. */
const bareField = (field: string): string =>
  field.replace(/^\W+|\W+$/g, '').replace(/^(?:(?:body|request|parameters?|params|options|input)\W+)+/i, '');

/** How people write of a part. */
const WORDS: Readonly<Record<Part, RegExp>> = {
  schema: /response_?format|output_?format|json[ _-]?schema|schema|structured|guided|grammar|json[ _-]?(output|mode)/i,
  logprobs: /log_?prob/i,
  systemTurn: /\bsystem\b|developer|roles? must alternate/i,
  temperature: /temperature/i,
  seed: /\bseed\b/i,
  limit: /max_(completion_)?tokens/i,
  whole: /\bstream/i,
};

/**
 * Of the limit a message may speak for other reasons, and on a server that does not know the other
 * name there would be none.
 */
const NAME_REFUSED =
  /unsupported|not supported|un(known|recogni[sz]ed|expected)|not permitted|cannot find field|instead/i;

/**
 * The parts of a request that a refusal's words may be about, what is spoken of first in front.
 * They may be a row's words, so that they say only what to try first.
 */
export function suspectParts({ message }: Complaint, parts: readonly Part[]): Part[] {
  const places = parts.flatMap((part) => {
    const at = message.search(WORDS[part]);
    return at < 0 || (part === 'limit' && !NAME_REFUSED.test(message)) ? [] : [{ part, at }];
  });
  return places.sort((a, b) => a.at - b.at).map(({ part }) => part);
}

/** How many alternatives of a token a refusal says that there may be, to be tried. */
export function mostAllowed({ message }: Complaint): number | undefined {
  const [, digits] =
    /(?:less than or equal to|(?:no )?more than|at most|(?:max\w*|up to)(?: allowed| value| of)?:?|<=|between \d+ and|\[\d+,) ?(\d+)\b/i.exec(
      message,
    ) ?? [];
  return digits === undefined ? undefined : Number(digits);
}

/** Whether two refusals say the same, except for numbers. */
export const isSameComplaint = (a: Complaint, b: Complaint): boolean => shapeOf(a) === shapeOf(b);

const shapeOf = ({ message, param, names }: Complaint): string =>
  JSON.stringify([message.replace(/[\da-f]{8,}|\d+/gi, '#'), param, names]);

/** Whether this once the model did not write what its schema asks for, which says nothing of the schema. */
export const isUnfit = ({ names }: Complaint): boolean => names.includes('json_validate_failed');

import { fileURLToPath } from 'node:url';
import * as z from 'zod';
import { readJson } from '../io/json.js';
import type { EndpointAddress } from './options.js';
import type { Usage } from './types.js';

const pricesSchema = z.looseObject({
  schema: z.literal('phasetune/prices'),
  version: z.literal(1),
  /** When the prices were looked up, YYYY-MM-DD or YYYY-MM. */
  date: z.string().regex(/^\d{4}-\d\d(-\d\d)?$/, 'expected a date such as 2026-03-01'),
  prices: z.array(
    z.looseObject({
      /** Host that the price holds at; left out: at any. */
      host: z.string().optional(),
      model: z.string().min(1),
      /** US dollars for a million tokens. */
      input: z.number().min(0),
      output: z.number().min(0),
    }),
  ),
});

/** What a model's tokens cost. */
export interface Price {
  /** US dollars for a million tokens. */
  readonly input: number;
  readonly output: number;
  /** When it was looked up. */
  readonly date?: string;
}

/** The prices that come with phasetune. */
const SHIPPED = fileURLToPath(new URL('../../docs/prices.json', import.meta.url));

/**
 * What a model costs at an endpoint, from the user's own file first, otherwise from the one that is
 * shipped. Undefined where nobody knows, as on this machine or network, where a gateway to others
 * may listen. A data error for a file that is not laid out so.
 */
export async function priceOf(
  { baseUrl, model }: Pick<EndpointAddress, 'baseUrl' | 'model'>,
  ownFile?: string,
): Promise<Price | undefined> {
  const host = new URL(baseUrl).hostname;
  if (ownFile !== undefined) {
    const own = find(await readJson(ownFile, pricesSchema), host, model);
    if (own) return own;
  }
  return find(await readJson(SHIPPED, pricesSchema), host, model);
}

/** Releases of a model carry a date: `gpt-4o-2024-08-06` costs what `gpt-4o` does, unless it is listed itself. */
function find({ date, prices }: z.infer<typeof pricesSchema>, host: string, model: string): Price | undefined {
  const here = prices.filter((price) => price.host === undefined || price.host === host);
  const undated = model.replace(/-\d{4}-\d\d-\d\d$/, '');
  const found = here.find((price) => price.model === model) ?? here.find((price) => price.model === undated);
  return found && { input: found.input, output: found.output, date };
}

/** What tokens cost, in US dollars. */
export const costOf = ({ input, output }: Price, { promptTokens, replyTokens }: Usage): number =>
  (promptTokens * input + replyTokens * output) / 1e6;

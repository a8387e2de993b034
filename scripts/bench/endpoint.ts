/**
 * Serves the protocol of OpenAI on this machine, as a process of its own, and prints its address.
 *
 *     npx tsx scripts/bench/endpoint.ts [SHARE OF FAULTS] [SEED] [LONGEST MS] [pairs]
 *
 * It replies with scores, or with `pairs` that the longer of two answers is better.
 */
import { startEndpoint } from '../../tests/helpers/endpoint-server.js';
import { sayLonger } from '../../tests/helpers/evaluation.js';

const [share = 0, seed = 0, delayMs = 0] = process.argv.slice(2, 5).map(Number);
const endpoint = await startEndpoint({
  keep: false,
  delayMs,
  faults: { share, seed },
  ...(process.argv[5] === 'pairs' && { say: sayLonger }),
});
console.log(endpoint.baseUrl);

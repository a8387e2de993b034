/**
 * Has the readers of foreign files read thousands of broken ones:
 *
 *   npx tsx scripts/reliability/fuzz.ts --count 10000 --seed 1 [--parsers safetensors,gguf] [--keep]
 *
 * Prints a JSON line for each parser: how many files were taken, refused with one line, ended the
 * process or threw anything else (`crashes`), or took over two seconds (`hangs`); the most memory
 * the process held, and the longest that a file took. What went wrong is reported on stderr, and with
 * `--keep` goes to tests/fixtures/hostile as a case for the tests. Ends with 1 if anything did.
 */
import { parseArgs } from 'node:util';
import { fileAt } from './fuzz/attempt.js';
import { keep } from './fuzz/corpus.js';
import { fuzzParser } from './fuzz/fuzz-parser.js';
import { PARSERS } from './fuzz/parsers.js';

const { values: args } = parseArgs({
  options: {
    parsers: { type: 'string', default: PARSERS.map((p) => p.name).join() },
    count: { type: 'string', default: '10000' },
    seed: { type: 'string', default: '1' },
    keep: { type: 'boolean', default: false },
  },
});

for (const name of args.parsers.split(',')) {
  const parser = PARSERS.find((p) => p.name === name);
  if (!parser) throw new Error(`--parsers: expected some of ${PARSERS.map((p) => p.name).join(', ')}, found ${name}`);
  const { figures, findings } = await fuzzParser(name, { count: Number(args.count), seed: Number(args.seed) });
  for (const { index, error, from, bytes } of findings) {
    console.error(`${name}: file ${index} of seed ${args.seed}: ${error}`);
    const whole = fileAt(parser, await parser.seeds(), Number(args.seed), index);
    if (args.keep && (await keep(parser, from ?? whole.from, bytes ?? whole.bytes, error))) console.error('  kept');
  }
  console.log(JSON.stringify(figures));
  if (figures.crashes + figures.hangs > 0 || figures.peak_rss_mib >= 300) process.exitCode = 1;
}

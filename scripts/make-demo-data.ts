/**
 * Writes the demo data set, datasets/demo/raw.jsonl: `npx tsx scripts/make-demo-data.ts`. The same seed gives the same
 * bytes; a test compares them with the committed file.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { DEMO_SEED, demoRecords, KINDS, toJsonLines } from './demo-data/records.js';

const folder = fileURLToPath(new URL('../datasets/demo/', import.meta.url));
const records = demoRecords(DEMO_SEED);
mkdirSync(folder, { recursive: true });
writeFileSync(`${folder}raw.jsonl`, toJsonLines(records));
console.log(`${records.length} rows of ${Object.keys(KINDS).length} kinds in ${folder}raw.jsonl`);

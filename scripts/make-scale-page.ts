/**
 * Writes the tables of docs/scale.md again, between its marks:
 *
 *     npx tsx scripts/make-scale-page.ts
 *
 * Memory on one card is phasetune's own forecast, for which the native library is needed; the rest follows from the
 * formulas of `scripts/scale/estimates.ts`.
 */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { writeFileAtomic } from '../src/io/atomic.js';
import { markdown } from '../src/telemetry/document.js';
import { forecastTable } from './scale/forecasts.js';
import { putTable } from './scale/page.js';
import { hoursTable, shardedTable } from './scale/tables.js';

const page = fileURLToPath(new URL('../docs/scale.md', import.meta.url));
const tables = { 'one card': await forecastTable(), 'several cards': shardedTable(), hours: hoursTable() };
let text = readFileSync(page, 'utf8');
for (const [name, rows] of Object.entries(tables)) text = putTable(text, name, markdown([{ kind: 'table', rows }]));
await writeFileAtomic(page, text);

// Fails for every link of the built site that leads nowhere inside it: npx tsx scripts/docs/check-site.ts
import { deadSiteLinks } from './site-links.js';

const dead = deadSiteLinks('docs/site');
for (const link of dead) console.error(`docs/site/${link}: dead link`);
process.exitCode = dead.length > 0 ? 1 : 0;

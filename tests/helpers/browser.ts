import { writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import axe, { type AxeResults } from 'axe-core';
import type { Browser, BrowserContext, Page, Request } from 'playwright-core';
import { afterAll, expect, test } from 'vitest';
import { findChromium, MISSING_CHROMIUM, startChromium } from './chromium.js';
import { temporaryFolder } from './folder.js';

let browser: Promise<Browser> | undefined;

/** Pages' contexts that a test has not closed itself. */
const open = new Set<BrowserContext>();

/** One browser for all tests of a file. */
const theBrowser = (): Promise<Browser> => (browser ??= startChromium());

async function closeBrowser(): Promise<void> {
  const started = browser;
  browser = undefined;
  await (await started)?.close();
}

/**
 * `withBrowser('name', …)`: a test that opens pages by {@link openPage}, skipped with the reason
 * where Chromium is missing. Pages that are still open at its end are closed.
 */
export function withBrowser(name: string, run: () => Promise<void>, timeoutMs?: number): void {
  // Registered for each file: vitest may keep this module for the next one.
  afterAll(closeBrowser);
  test(
    name,
    async ({ skip }) => {
      if (findChromium() === undefined) {
        // The default reporter counts skipped tests without their reasons.
        console.warn(`skipped: ${name}: ${MISSING_CHROMIUM}`);
        skip(MISSING_CHROMIUM);
      }
      try {
        await run();
      } finally {
        for (const context of open) await context.close();
        open.clear();
      }
    },
    timeoutMs,
  );
}

/** How a page is shown. */
export interface View {
  /** Dark colours instead of light ones. */
  dark?: boolean;
  /** As on paper. */
  print?: boolean;
  /** Width in pixels [1280]. */
  width?: number;
  /** Height in pixels [900]. */
  height?: number;
  /** Time zone of the reader [UTC]. */
  timezone?: string;
  /** Whether the reader wants no motion. */
  reducedMotion?: boolean;
  /** False: scripts of the page do not run [true]. */
  script?: boolean;
}

/** A page in the browser, and what it did; the lists grow while it is open. */
export interface OpenedPage {
  readonly page: Page;
  /** HTTP's status of the page; 200 for a file. */
  readonly status: number | undefined;
  /** Addresses requested, except the page itself. Those of another origin were refused, and so was each of a file. */
  readonly requests: string[];
  /** Errors on the console, errors of scripts and violations of the page's content security policy. */
  readonly problems: string[];
  close(): Promise<void>;
}

/** What the page's policy forbade, reported by the page itself. */
const REPORT_VIOLATIONS = `document.addEventListener('securitypolicyviolation', (event) =>
  globalThis.reportViolation(\`\${event.effectiveDirective}: \${event.blockedURI} \${event.sample}\`.trim()));`;

function addressOf(source: string): string {
  if (/^(https?|file):/.test(source)) return source;
  if (!source.trimStart().startsWith('<')) return pathToFileURL(resolve(source)).href;
  const file = join(temporaryFolder('page'), 'page.html');
  writeFileSync(file, source);
  return pathToFileURL(file).href;
}

/**
 * Opens HTML (text that begins with `<`), a file, or an address, and waits until it is loaded. A
 * page of the text or of a file gets nothing that it requests.
 */
export async function openPage(source: string, view: View = {}): Promise<OpenedPage> {
  const address = addressOf(source);
  const context = await (await theBrowser()).newContext({
    colorScheme: view.dark ? 'dark' : 'light',
    reducedMotion: view.reducedMotion ? 'reduce' : 'no-preference',
    timezoneId: view.timezone ?? 'UTC',
    locale: 'en-GB',
    viewport: { width: view.width ?? 1280, height: view.height ?? 900 },
    javaScriptEnabled: view.script ?? true,
  });
  open.add(context);
  const page = await context.newPage();
  if (view.print) await page.emulateMedia({ media: 'print' });

  const requests: string[] = [];
  const problems: string[] = [];
  const origin = new URL(address).origin;
  // All files have the origin "null".
  const isNear = (url: string) => origin !== 'null' && new URL(url).origin === origin;
  const isPage = (request: Request) =>
    request.isNavigationRequest() &&
    request.frame() === page.mainFrame() &&
    (isNear(request.url()) || request.url() === address);
  await context.route('**', async (route) => {
    const url = route.request().url();
    if (isPage(route.request())) return route.continue();
    requests.push(url);
    return isNear(url) ? route.continue() : route.abort();
  });
  page.on('console', (message) => message.type() === 'error' && problems.push(`console: ${message.text()}`));
  page.on('pageerror', (error) => problems.push(`script: ${error.message}`));
  await page.exposeFunction('reportViolation', (text: string) => problems.push(`policy: ${text}`));
  await page.addInitScript(REPORT_VIOLATIONS);

  const response = await page.goto(address);
  // What the policy forbade while the page was read is reported after it.
  if (view.script !== false) await page.evaluate('new Promise((done) => setTimeout(done))');
  return {
    page,
    status: response?.status(),
    requests,
    problems,
    close: async () => {
      open.delete(context);
      await context.close();
    },
  };
}

/** What axe-core finds wrong on the page as it is shown now, an entry for each place: rule, where, how to fix it. */
export async function axeProblems(page: Page): Promise<string[]> {
  await page.evaluate(axe.source);
  // Style sheets of a page of ours are in it: none is fetched.
  const { violations } = await page.evaluate<AxeResults>(
    "axe.run(document, { preload: false, resultTypes: ['violations'] })",
  );
  return violations.flatMap(({ id, nodes }) =>
    nodes.map(({ target, failureSummary }) => `${id}: ${target.join(' ')}: ${failureSummary?.replace(/\s+/g, ' ')}`),
  );
}

/**
 * Expects that a page with hostile texts, which would set `window.bad`, does nothing and holds its
 * layout: light and wide, dark and narrow. `before` makes everything visible.
 */
export async function expectHarmless(html: string, before?: (page: Page) => Promise<void>): Promise<void> {
  for (const [dark, width] of [
    [false, 1280],
    [true, 400],
  ] as const) {
    const { page, problems, requests, close } = await openPage(html, { dark, width });
    await before?.(page);
    expect(await axeProblems(page)).toEqual([]);
    expect(await page.evaluate('window.bad')).toBeUndefined();
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(width);
    expect({ problems, requests }).toEqual({ problems: [], requests: [] });
    await close();
  }
}

import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { after, test, type TestContext } from 'node:test';
import { chromium, type Browser, type BrowserContext, type Page } from 'playwright-core';

/** Debian's; or CHROMIUM says where it is. */
const CHROMIUM = process.env.CHROMIUM ?? '/usr/bin/chromium';

/** The page must do with this, whatever the server sends. */
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:";

/** The longest that one test may take, in milliseconds. */
const LIMIT = 120_000;

let launched: Promise<Browser> | undefined;

after(async () => (await launched)?.close());

/** One for all tests of a file, with an empty profile of its own. */
function browser(): Promise<Browser> {
  return (launched ??= chromium.launch({
    executablePath: CHROMIUM,
    args: [
      '--headless',
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  }));
}

/** A test with a browser. Where there is none it is skipped; with PAGE_TESTS=required it fails. */
export function pageTest(name: string, run: (t: TestContext) => Promise<void>): void {
  const missing = existsSync(CHROMIUM)
    ? undefined
    : `there is no Chromium at ${CHROMIUM}; install it (apt-get install chromium) or say with CHROMIUM where it is`;
  const skip = process.env.PAGE_TESTS !== 'required' && missing;
  test(name, { skip, timeout: LIMIT }, async (t) => {
    if (missing !== undefined) assert.fail(missing);
    await run(t);
  });
}

export interface VisitOptions {
  /** Behind the page's `#`. */
  readonly hash?: string;
  readonly locale?: string;
  readonly colorScheme?: 'light' | 'dark';
  readonly width?: number;
  readonly height?: number;
  readonly isPhone?: boolean;
  readonly reducedMotion?: 'reduce' | 'no-preference';
  /** Complaints of the browser that the test itself provokes. */
  readonly expected?: RegExp;
}

export interface Visit {
  readonly page: Page;
  readonly context: BrowserContext;
  /** What the browser complained of so far. */
  readonly complaints: readonly string[];
}

/**
 * Opens the operators' page. At the test's end it fails when the browser complained of anything (an error on the
 * console, something that the policy forbids) or when another origin was asked.
 */
export async function visit(t: TestContext, url: string, options: VisitOptions = {}): Promise<Visit> {
  const { hash = '', locale = 'en-GB', colorScheme = 'light', width = 1400, height = 900 } = options;
  const context = await (
    await browser()
  ).newContext({
    locale,
    colorScheme,
    timezoneId: 'Europe/Berlin',
    viewport: { width, height },
    reducedMotion: options.reducedMotion ?? 'no-preference',
    ...(options.isPhone ? { isMobile: true, hasTouch: true, deviceScaleFactor: 2 } : {}),
  });
  const complaints: string[] = [];
  const strangers: string[] = [];
  const origin = new URL(url).origin;
  context.on('request', (request) => {
    if (new URL(request.url()).origin !== origin) strangers.push(request.url());
  });
  context.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text());
  });
  context.on('weberror', (error) => complaints.push(String(error.error())));
  await context.route(`${origin}/`, async (route) => {
    const response = await route.fetch();
    await route.fulfill({
      response,
      headers: { 'content-security-policy': POLICY, ...response.headers() },
    });
  });
  t.after(async () => {
    await context.close();
    assert.deepEqual(strangers, [], 'nothing is asked of another origin');
    const unexpected = complaints.filter((text) => !options.expected?.test(text));
    assert.deepEqual(unexpected, [], 'the browser has nothing to complain of');
  });
  const page = await context.newPage();
  page.setDefaultTimeout(15_000);
  await page.goto(`${url}/${hash}`);
  return { page, context, complaints };
}

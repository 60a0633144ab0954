import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { after, test } from 'node:test';
import { chromium, type Browser, type BrowserContext, type Page } from 'playwright-core';
import { Cleanup } from '../support/cleanup.js';

/** Debian's; or CHROMIUM says where it is. */
const CHROMIUM = process.env.CHROMIUM ?? '/usr/bin/chromium';

/** The longest that one test may take, in milliseconds. */
const LIMIT = 120_000;

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

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

/** A test with a browser; what it made is given up in the reverse order. Where there is none it is skipped; with PAGE_TESTS=required it fails. */
export function pageTest(name: string, run: (t: Cleanup) => Promise<void>): void {
  const missing = existsSync(CHROMIUM)
    ? undefined
    : `there is no Chromium at ${CHROMIUM}; install it (apt-get install chromium) or say with CHROMIUM where it is`;
  const skip = process.env.PAGE_TESTS !== 'required' && missing;
  test(name, { skip, timeout: LIMIT }, async (t) => {
    if (missing !== undefined) assert.fail(missing);
    await run(new Cleanup(t));
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
  /** For the browser's own prompt, whose password is the token. */
  readonly readToken?: string;
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
export async function visit(t: Cleanup, url: string, options: VisitOptions = {}): Promise<Visit> {
  const { hash = '', locale = 'en-GB', colorScheme = 'light', width = 1400, height = 900 } = options;
  const context = await (
    await browser()
  ).newContext({
    locale,
    colorScheme,
    timezoneId: 'Europe/Berlin',
    viewport: { width, height },
    reducedMotion: options.reducedMotion ?? 'no-preference',
    ...(options.readToken === undefined
      ? {}
      : { httpCredentials: { username: 'operator', password: options.readToken } }),
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

export interface Tab {
  /** Another tab is opened before it. */
  hide(): Promise<void>;
  show(): Promise<void>;
}

/** A tab that playwright does not keep visible by force, as it does with its own. */
export async function openTab(t: Cleanup, url: string): Promise<Tab> {
  const devtools = await (await browser()).newBrowserCDPSession();
  const open = async (address: string): Promise<string> => {
    const { targetId } = await devtools.send('Target.createTarget', { url: address });
    t.after(() => devtools.send('Target.closeTarget', { targetId }));
    return targetId;
  };
  const targetId = await open(url);
  return {
    hide: async () => {
      await open('about:blank');
    },
    show: async () => {
      await devtools.send('Target.activateTarget', { targetId });
    },
  };
}

/** What axe-core finds against WCAG 2.2 AA and its own good practice. */
export async function accessibilityProblems(page: Page): Promise<string[]> {
  await page.evaluate(AXE);
  const found = await page.evaluate<{ id: string; nodes: { target: string[]; failureSummary: string }[] }[]>(
    `axe.run(document, { resultTypes: ['violations'] }).then(({ violations }) => violations)`,
  );
  return found.flatMap(({ id, nodes }) =>
    nodes.map(({ target, failureSummary }) => `${id}: ${target.join(' ')}: ${failureSummary}`),
  );
}

/** The types of the events that are shown, from the top. */
export function eventTypes(page: Page): Promise<string[]> {
  return page.evaluate<string[]>(
    `[...document.querySelectorAll('.event')].map(({ dataset }) => dataset.type)`,
  );
}

/** Scrolls a list in its own box. */
export async function scrollTo(page: Page, selector: string, top: number): Promise<void> {
  await page.evaluate(`document.querySelector('${selector}').scrollTop = ${top}`);
}

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { after, test } from 'node:test';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { Cleanup } from '../support/cleanup.js';
import { eventually } from '../support/eventually.js';
import { DRAWN, launchChromium, missingChromium, openWindow, type Reader } from './chromium.js';

/** The longest that one test may take, in milliseconds; it tells one that hangs from one on a slow machine. */
const LIMIT = 900_000;

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

let launched: Promise<Browser> | undefined;

/** One for all tests of a process. */
function browser(): Promise<Browser> {
  return (launched ??= launchChromium());
}

after(async () => (await launched)?.close());

/** What must be true of every window at the end of a test. */
const checks = new WeakMap<Cleanup, (() => void)[]>();

/**
 * A test with a browser; what it made is given up in the reverse order. Where there is no browser it is skipped; with
 * PAGE_TESTS=required it fails.
 */
export function pageTest(name: string, run: (t: Cleanup) => Promise<void>): void {
  const missing = missingChromium();
  const skip = process.env.PAGE_TESTS !== 'required' && missing;
  test(name, { skip, timeout: LIMIT }, async (context) => {
    if (missing !== undefined) assert.fail(missing);
    const t = new Cleanup(context);
    checks.set(t, []);
    await run(t);
    for (const check of checks.get(t) ?? []) check();
  });
}

export interface VisitOptions extends Reader {
  /** Behind the page's `#`. */
  readonly hash?: string;
  /** Complaints of the browser that the test itself provokes. */
  readonly expected?: RegExp;
}

/**
 * Opens the operators' page. The test fails at its end when the browser complained of anything (an error on the console,
 * something that the policy forbids) or when another origin was asked.
 */
export async function visit(
  t: Cleanup,
  url: string,
  { hash = '', expected, ...reader }: VisitOptions = {},
): Promise<{ page: Page; context: BrowserContext }> {
  const { page, context } = await openWindow(await browser(), reader);
  t.after(() => context.close());
  const complaints: string[] = [];
  const strangers: string[] = [];
  const { origin } = new URL(url);
  context.on('request', (request) => {
    if (new URL(request.url()).origin !== origin) strangers.push(request.url());
  });
  context.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text());
  });
  context.on('weberror', (error) => complaints.push(String(error.error())));
  checks.get(t)?.push(() => {
    assert.deepEqual(strangers, [], 'nothing is asked of another origin');
    const unexpected = complaints.filter((text) => !expected?.test(text));
    assert.deepEqual(unexpected, [], 'the browser has nothing to complain of');
  });
  await page.goto(`${url}/${hash}`);
  return { page, context };
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

/**
 * Waits until what is read of a page is so: it is drawn in its own time, one part after another, and what one waited for says
 * nothing of the rest. Fails with the difference after a limit that tells never from late.
 */
export async function becomes<T>(read: () => Promise<T>, expected: T, message?: string): Promise<void> {
  await comesTrue(read, (is) => assert.deepEqual(is, expected, message));
}

/** The same for a text. */
export async function matches(read: () => Promise<string>, pattern: RegExp, message?: string): Promise<void> {
  await comesTrue(read, (is) => assert.match(is, pattern, message));
}

async function comesTrue<T>(read: () => Promise<T>, check: (is: T) => void): Promise<void> {
  let failure: unknown;
  const isTrue = async (): Promise<boolean> => {
    try {
      check(await read());
      return true;
    } catch (error) {
      if (!(error instanceof assert.AssertionError)) throw error;
      failure = error;
      return false;
    }
  };
  await eventually('it becomes so', isTrue, DRAWN).catch((late: unknown) => {
    throw failure ?? late;
  });
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

import { existsSync } from 'node:fs';
import { chromium, type Browser, type BrowserContext, type Page } from 'playwright-core';

/** Tells never from late in what a page draws, and leaves time for the rest of a test, in milliseconds. */
export const DRAWN = 120_000;

/** Debian's; or CHROMIUM says where it is. */
const CHROMIUM = process.env.CHROMIUM ?? '/usr/bin/chromium';

/** Why there is no browser; undefined when there is one. */
export function missingChromium(): string | undefined {
  return existsSync(CHROMIUM)
    ? undefined
    : `there is no Chromium at ${CHROMIUM}; install it (apt-get install chromium) or say with CHROMIUM where it is`;
}

/** Starts it with an empty profile of its own, on top of the environment with these variables. */
export function launchChromium(env: Readonly<Record<string, string>> = {}): Promise<Browser> {
  return chromium.launch({
    executablePath: CHROMIUM,
    env: { ...process.env, ...env },
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
  });
}

/** Who looks at the page, and with what. */
export interface Reader {
  readonly locale?: string;
  readonly colorScheme?: 'light' | 'dark';
  readonly width?: number;
  readonly height?: number;
  readonly isPhone?: boolean;
  readonly reducedMotion?: 'reduce' | 'no-preference';
  /** For the browser's own prompt, whose password is the token. */
  readonly readToken?: string;
}

/** A window of its own, in Berlin. */
export async function openWindow(
  browser: Browser,
  { locale = 'en-GB', colorScheme = 'light', width = 1400, height = 900, ...rest }: Reader,
): Promise<{ page: Page; context: BrowserContext }> {
  const context = await browser.newContext({
    locale,
    colorScheme,
    timezoneId: 'Europe/Berlin',
    viewport: { width, height },
    reducedMotion: rest.reducedMotion ?? 'no-preference',
    ...(rest.readToken === undefined
      ? {}
      : { httpCredentials: { username: 'operator', password: rest.readToken } }),
    ...(rest.isPhone ? { isMobile: true, hasTouch: true, deviceScaleFactor: 2 } : {}),
  });
  const page = await context.newPage();
  page.setDefaultTimeout(DRAWN);
  return { page, context };
}

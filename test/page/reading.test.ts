import assert from 'node:assert/strict';
import type { Page } from 'playwright-core';
import type { Cleanup } from '../support/cleanup.js';
import { bootstrapCluster, live, NacosNode, pollPath } from '../support/nodes.js';
import { startServer, type TestServer } from '../support/server.js';
import { accessibilityProblems, becomes, pageTest, visit } from './browser.js';

const [A, B, C] = ['10.0.3.11:8848', '10.0.3.12:8848', '10.0.3.13:8848'] as const;

/** One cluster of which two are gone and one waits: every kind of thing is on its page. */
async function troubled(t: Cleanup): Promise<TestServer> {
  const server = await startServer(t);
  const nodes = await bootstrapCluster(
    t,
    server,
    [A, B, C],
    (self) => `&id=a-rather-long-name-of-a-pod-7d9c5b6f8-x2x4z-${self.slice(5, 9)}`,
  );
  nodes[2]!.die();
  server.probe.answers.set(C, 'refused');
  await live(server, nodes.slice(0, 1), 20_000);
  await new NacosNode(t, server, pollPath('[2001:db8:85a3:8d3:1319:8a2e:370:7348]:8848')).poll();
  return server;
}

const background = (page: Page): Promise<string> =>
  page.evaluate<string>('getComputedStyle(document.documentElement).backgroundColor');
const LIGHT = 'rgb(243, 244, 241)';
const DARK = 'rgb(14, 18, 16)';

pageTest('in Chinese when the browser is, with what the server says in English as the detail', async (t) => {
  const server = await troubled(t);
  const { page } = await visit(t, server.url, { locale: 'zh-CN' });
  const hero = page.locator('.hero');
  await hero.getByText('失去多数派', { exact: true }).waitFor();
  await becomes(() => page.evaluate('document.documentElement.lang'), 'zh-CN');
  await hero.getByText('3 个成员中只有 1 个存活，没有多数派').waitFor();
  await hero.locator('[lang=en]').getByText('only 1 of 3 members are live, no majority').waitFor();
  await page
    .getByRole('list', { name: '等待准入' })
    .getByText('列表中没有存活的多数派，Raft 无法接纳新成员。')
    .waitFor();
  await page.locator('[data-type=bootstrapped]').getByText('集群得到了初始列表。').waitFor();
  await page.locator('[data-type=bootstrapped] [lang=en]').getByText('3 waited at once').waitFor();
  // No English sentence stands alone, and none is left out.
  const english = await page.evaluate<string[]>(`
    [...document.querySelectorAll('h1, h2, h3, p, li, button, dt, label, option, [role=columnheader]')]
      .filter((element) => !element.closest('[lang=en]') && !element.querySelector('[lang=en]'))
      .map((element) => element.textContent)
      .filter((text) => /[a-z]{3,} [a-z]{2,} [a-z]{2,}/i.test(text))`);
  assert.deepEqual(english, []);

  await page.getByRole('button', { name: /^English/ }).click();
  await hero.getByText('Quorum lost', { exact: true }).waitFor();
  await becomes(() => page.evaluate('document.documentElement.lang'), 'en');
  await page.reload();
  await hero.getByText('Quorum lost', { exact: true }).waitFor();
});

pageTest('light and dark as the system, or as the switch says', async (t) => {
  const server = await troubled(t);
  const { page } = await visit(t, server.url, { colorScheme: 'dark' });
  await page.locator('.hero').waitFor();
  await becomes(() => background(page), DARK);
  await page.emulateMedia({ colorScheme: 'light' });
  await becomes(() => background(page), LIGHT);

  await page.getByRole('button', { name: 'Theme: system' }).click();
  await page.getByRole('button', { name: 'Theme: light' }).click();
  await page.getByRole('button', { name: 'Theme: dark' }).waitFor();
  await becomes(() => background(page), DARK);
  await page.reload();
  await page.getByRole('button', { name: 'Theme: dark' }).waitFor();
  await becomes(() => background(page), DARK);
  await page.emulateMedia({ colorScheme: 'dark' });
  await page.getByRole('button', { name: 'Theme: dark' }).click();
  await page.getByRole('button', { name: 'Theme: system' }).click();
  await page.getByRole('button', { name: 'Theme: light' }).waitFor();
  await becomes(() => background(page), LIGHT, 'light was chosen on a dark system');
});

for (const width of [320, 360, 412, 768, 1024, 1280, 1920]) {
  pageTest(`${width} px wide: nothing is cut off, nothing scrolls sideways`, async (t) => {
    const server = await troubled(t);
    for (const locale of ['en-GB', 'zh-CN']) {
      const { page } = await visit(t, server.url, { width, height: 740, isPhone: width < 700, locale });
      await page.locator('.event').first().waitFor();
      assert.ok((await page.evaluate<number>('document.documentElement.scrollWidth')) <= width, locale);
      assert.deepEqual(await cutOff(page), [], locale);
      await page.locator('.button.danger').click();
      await page.getByRole('dialog').waitFor();
      assert.ok((await page.evaluate<number>('document.documentElement.scrollWidth')) <= width, locale);
      assert.deepEqual(await cutOff(page), [], locale);
    }
  });
}

pageTest('nothing moves for those who want that, and colour is never the only sign', async (t) => {
  const server = await troubled(t);
  const { page } = await visit(t, server.url, { reducedMotion: 'reduce' });
  await page.locator('.age-bar').first().waitFor();
  const moving = await page.evaluate<string[]>(`
    [...document.querySelectorAll('*')].filter((element) => {
      const { animationName, transitionDuration } = getComputedStyle(element);
      return animationName !== 'none' || transitionDuration.split(', ').some((time) => parseFloat(time) > 0);
    }).map((element) => element.className)`);
  assert.deepEqual(moving, []);
  for (const state of ['live', 'silent', 'down']) {
    await page.locator('.member-state').getByText(state, { exact: true }).first().waitFor();
  }
});

pageTest('axe-core finds nothing, in the main states, light and dark, wide and on a phone', async (t) => {
  const server = await startServer(t);
  for (const colorScheme of ['light', 'dark'] as const) {
    const { page } = await visit(t, server.url, { colorScheme });
    await page.getByRole('heading', { name: 'No clusters yet' }).waitFor();
    assert.deepEqual(await accessibilityProblems(page), []);
  }
  const lost = await troubled(t);
  for (const colorScheme of ['light', 'dark'] as const) {
    for (const width of [360, 1400]) {
      const { page } = await visit(t, lost.url, { colorScheme, width, reducedMotion: 'reduce' });
      await page.locator('.event').first().waitFor();
      assert.deepEqual(await accessibilityProblems(page), [], `${colorScheme} ${width}`);
      await page.getByRole('button', { name: 'Recover …' }).click();
      await page.getByRole('dialog').waitFor();
      assert.deepEqual(await accessibilityProblems(page), [], `${colorScheme} ${width}, the dialog`);
    }
  }
  await new NacosNode(t, lost, '/nacos/other?self=10.7.0.1').pollUntilListed();
  for (const colorScheme of ['light', 'dark'] as const) {
    const { page } = await visit(t, lost.url, { colorScheme, reducedMotion: 'reduce' });
    await page.getByRole('heading', { name: 'Clusters', exact: true }).waitFor();
    await page.locator('.event').first().waitFor();
    assert.deepEqual(await accessibilityProblems(page), [], `${colorScheme}, all clusters`);
  }
});

/** Texts of buttons, headings and states that do not fit into their boxes, or stand out of the window. */
function cutOff(page: Page): Promise<string[]> {
  return page.evaluate<string[]>(`
    [...document.querySelectorAll('h1, h2, h3, button, .mark, .age-text, .chip, .rev, .event-what, .says, dt, dd, label, .windowed, .member-row, .waiting-row')]
      .filter((element) => {
        if (element.closest('pre') || !element.checkVisibility()) return false;
        const { left, right } = element.getBoundingClientRect();
        return element.scrollWidth > element.clientWidth + 1 && element.clientWidth > 0 || left < -1 || right > innerWidth + 1;
      })
      .map((element) => element.className + ': ' + element.textContent)`);
}

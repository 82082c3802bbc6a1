import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import type { AxeResults } from 'axe-core';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { smallCluster } from './clusters.ts';
import { NODE, PAGE_URL, SCREENSHOTS, Stage } from './stage.ts';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** How the page is looked at. */
const VIEWS: readonly (readonly [name: string, options: BrowserContextOptions])[] = [
  ['light', { colorScheme: 'light', viewport: { width: 1440, height: 1000 } }],
  ['dark', { colorScheme: 'dark', viewport: { width: 1440, height: 1000 } }],
  ['narrow', { colorScheme: 'light', viewport: { width: 390, height: 844 } }],
  ['narrow-dark', { colorScheme: 'dark', viewport: { width: 320, height: 640 } }],
];

/** A page that has all its data, and what it complained of meanwhile. */
async function openPage(browser: Browser, options: BrowserContextOptions = {}) {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text());
  });
  await page.goto(PAGE_URL);
  await page.locator('#grid-rows [role=row]').first().waitFor();
  await page.locator('#verdict-text', { hasText: /in sync/ }).waitFor();
  return { page, complaints };
}

/** What axe-core calls serious or critical. The debugger evaluates it, which the page's policy says nothing of. */
async function findings(page: Page): Promise<readonly string[]> {
  await page.evaluate(AXE);
  const { violations }: AxeResults = await page.evaluate('axe.run(document)');
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`);
}

suite('the page of ten Services', () => {
  let stage: Stage;
  let browser: Browser;

  before(async () => {
    stage = new Stage();
    await stage.start(smallCluster(NODE), { flags: ['--cluster-cidr', '10.32.0.0/16,fd00:32::/64'] });
    browser = await stage.browser();
  });
  after(() => stage.close());

  for (const [name, options] of VIEWS) {
    test(`${name}: shows the state and the Services, can be used by everybody, and complains of nothing`, async () => {
      const { page, complaints } = await openPage(browser, options);
      assert.equal(await page.locator('#verdict-text').textContent(), 'in sync');
      assert.equal(await page.locator('#grid-rows [role=row]').count(), 10);
      assert.equal(await page.locator('#only-problems-text').textContent(), 'with problems: 3');
      await page.fill('#trace-to', 'default/shop');
      await page.fill('#trace-from', 'outside');
      await page.press('#trace-from', 'Enter');
      await page.locator('.connection').first().waitFor();
      await page.locator('#grid-rows [role=row]', { hasText: 'default/web' }).click();
      await page.locator('#details .frontend').first().waitFor();
      assert.deepEqual(await findings(page), []);
      const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      assert.ok(overflow <= 0, `it is ${overflow} pixels too wide`);
      await page.screenshot({ path: join(SCREENSHOTS, `${name}.png`), fullPage: true });
      assert.deepEqual(complaints, []);
      await page.context().close();
    });
  }

  test('goes by the keyboard alone', async () => {
    const { page } = await openPage(browser);
    await page.keyboard.press('/');
    await page.keyboard.type('data');
    await page.locator('#count', { hasText: '2 of 10' }).waitFor();
    await page.focus('#grid');
    await page.keyboard.press('End');
    await page.keyboard.press('Enter');
    await page.locator('#details-name', { hasText: 'data/queue' }).waitFor();
    await page.keyboard.press('Escape');
    assert.equal(await page.evaluate(() => document.activeElement?.id), 'grid');
    assert.equal(await page.locator('#details').isVisible(), false);
    await page.context().close();
  });
});

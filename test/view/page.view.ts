import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import type { Browser } from 'playwright-core';
import { smallCluster } from './clusters.ts';
import { findings, openPage, VIEWS } from './open-page.ts';
import { NODE, SCREENSHOTS, Stage } from './stage.ts';

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

  test('shows new connections as the kernel counts them', async () => {
    const { page, complaints } = await openPage(browser, { viewport: { width: 1280, height: 900 } });
    const { stop } = stage.knock('10.96.0.83', 80);
    try {
      const rate = page.locator('#grid-rows [role=row]', { hasText: 'default/new' }).locator('.rate');
      await rate.filter({ hasText: /^[1-9]/ }).waitFor();
      await page.locator('#plot-connections-says .warn', { hasText: /^refused [1-9]/ }).waitFor();
      await page.locator('#plot-connections-says .good', { hasText: /^served 0$/ }).waitFor();
      assert.equal(await page.locator('#not-counted').isVisible(), false);
      await page.click('[data-order=rate]');
      await page.locator('#row-0', { hasText: 'default/new' }).waitFor();
      await page.screenshot({ path: join(SCREENSHOTS, 'connections.png') });
      assert.deepEqual(complaints, []);
    } finally {
      stop();
    }
    await page.context().close();
  });

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

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import type { Browser, Page } from 'playwright-core';
import { largeCluster } from './clusters.ts';
import { findings, openPage, VIEWS } from './open-page.ts';
import { SCREENSHOTS, Stage } from './stage.ts';

const SERVICES = 30_000;

/** Milliseconds of a long task: a frame that comes late (Long Tasks API). */
declare global {
  var longTasks: number[];
}

/** Scrolls through the list by so many turns of the wheel; returns the most rows there were at once. */
async function scroll(page: Page, turns: number): Promise<number> {
  let most = 0;
  for (let turn = 0; turn < turns; turn++) {
    await page.mouse.wheel(0, turn % 4 === 3 ? 20_000 : 600);
    await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(resolve)));
    most = Math.max(most, await page.locator('#grid-rows [role=row]').count());
  }
  return most;
}

suite('the page of 30,000 Services', () => {
  let stage: Stage;
  let browser: Browser;
  const objects = largeCluster(SERVICES);

  before(async () => {
    stage = new Stage();
    await stage.start(objects);
    browser = await stage.browser();
  });
  after(() => stage.close());

  for (const [name, options] of VIEWS) {
    test(`${name}: has them all, shows those that can be seen, and finds one`, async (context) => {
      const { page, complaints } = await openPage(browser, options);
      await page.locator('#count', { hasText: /^30,000$/ }).waitFor({ timeout: 120_000 });
      await page.evaluate(() => {
        globalThis.longTasks = [];
        const note = (list: PerformanceObserverEntryList) => {
          globalThis.longTasks.push(...list.getEntries().map(({ duration }) => duration));
        };
        new PerformanceObserver(note).observe({ type: 'longtask' });
      });
      await page.locator('#grid').scrollIntoViewIfNeeded();
      await page.locator('#grid').hover();
      const most = await scroll(page, 60);
      const late = await page.evaluate(() => globalThis.longTasks);
      context.diagnostic(`${late.length} long tasks while scrolling: ${late.join(', ')} ms`);
      assert.ok(most < 100, `${most} rows at once`);
      assert.ok(Number(await page.locator('#grid').evaluate((grid) => grid.scrollTop)) > 100_000);
      // Whatever is shown is in its place, in order.
      const names = await page.locator('#grid-rows [role=row]').evaluateAll((rows) =>
        rows
          .map(
            (row) =>
              [Number(row.getAttribute('aria-rowindex')), row.querySelector('.name')?.textContent ?? ''] as const,
          )
          .sort(([a], [b]) => a - b)
          .map(([, text]) => text),
      );
      assert.ok(names.length > 5);
      assert.deepEqual(names, names.toSorted());
      await page.screenshot({ path: join(SCREENSHOTS, `large-${name}.png`) });
      await page.fill('#search', 'service-12345');
      await page.locator('#count', { hasText: /^1 of 30,000$/ }).waitFor();
      await page.fill('#search', '');
      await page.check('#only-problems');
      await page.locator('#count', { hasText: /^600 of 30,000$/ }).waitFor();
      assert.deepEqual(await findings(page), []);
      assert.deepEqual(complaints, []);
      await page.context().close();
    });
  }

  test('follows what changes, without a request for all of them', async () => {
    const { page } = await openPage(browser);
    await page.locator('#count', { hasText: /^30,000$/ }).waitFor({ timeout: 120_000 });
    const searches: string[] = [];
    page.on('request', (request) => searches.push(new URL(request.url()).search));
    await page.fill('#search', 'service-77 ');
    await page.fill('#search', 'team-37/service-77');
    const row = page.locator('#grid-rows [role=row]', { has: page.getByText('team-37/service-77', { exact: true }) });
    await row.locator('.state', { hasText: 'served' }).waitFor();
    // Without the Service's one slice.
    stage.objects(objects.filter((object) => !JSON.stringify(object).includes('"service-77-ipv4"')));
    await row.locator('.state', { hasText: 'refused' }).waitFor({ timeout: 120_000 });
    await page.locator('#events', { hasText: 'team-37/service-77' }).waitFor();
    assert.deepEqual(
      searches.filter((search) => search.startsWith('?from=')),
      [],
    );
    await page.context().close();
  });
});

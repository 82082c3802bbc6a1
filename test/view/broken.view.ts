import assert from 'node:assert/strict';
import { join } from 'node:path';
import process from 'node:process';
import { after, before, suite, test } from 'node:test';
import type { Browser } from 'playwright-core';
import { smallCluster } from './clusters.ts';
import { findings, openPage } from './open-page.ts';
import { NODE, SCREENSHOTS, Stage } from './stage.ts';

const VIEW = { viewport: { width: 1440, height: 1000 } };

suite('the page of a node whose rules others change', () => {
  let stage: Stage;
  let browser: Browser;

  before(async () => {
    stage = new Stage();
    // Heartbeats would have the rules looked at sooner.
    const path = `${stage.nftFolder}:${process.env['PATH']}`;
    await stage.start(smallCluster(NODE), { flags: ['--cluster-cidr', '10.32.0.0/16,fd00:32::/64'], path });
    browser = await stage.browser();
  });
  after(() => stage.close());

  test('says what was changed, and that it was repaired', async () => {
    const { page, complaints } = await openPage(browser, VIEW);
    assert.equal(await page.locator('#problems li').count(), 0);
    stage.command(['nft', 'insert', 'rule', 'ip', 'kube-proxy-nft', 'dispatch', 'counter']);
    await page
      .locator('#problems li', { hasText: /IPv4: changed by others .*, and repaired: chain dispatch/ })
      .waitFor();
    await page.locator('#events .warn', { hasText: 'changed by others' }).first().waitFor();
    await page.locator('#verdict-text', { hasText: /^in sync$/ }).waitFor();
    assert.deepEqual(complaints, []);
    await page.context().close();
  });

  test('says that it is not in sync while the rules cannot be repaired, and what differs', async () => {
    const { page } = await openPage(browser, VIEW);
    const { undo } = stage.breakNft();
    stage.command(['nft', 'flush', 'chain', 'ip', 'kube-proxy-nft', 'dispatch']);
    await page.locator('#verdict-text', { hasText: /^NOT in sync$/ }).waitFor({ timeout: 60_000 });
    await page.locator('#problems .bad', { hasText: 'IPv4' }).first().waitFor();
    assert.equal(
      await page.locator('#problems li', { hasText: 'IPv4' }).filter({ hasText: 'and repaired' }).count(),
      0,
    );
    assert.equal(await page.locator('.card[data-tone=bad] h2').first().textContent(), 'IPv4');
    assert.match(await page.title(), /^! node-1/);
    assert.deepEqual(await findings(page), []);
    await page.screenshot({ path: join(SCREENSHOTS, 'broken.png') });
    undo();
    await page.locator('#verdict-text', { hasText: /^in sync$/ }).waitFor({ timeout: 60_000 });
    await page.context().close();
  });

  test('says that there is no answer once the daemon has ended', async () => {
    const { page } = await openPage(browser, VIEW);
    stage.stop();
    await page.locator('#verdict-text', { hasText: /^no answer/ }).waitFor();
    assert.equal(await page.locator('#verdict').getAttribute('data-tone'), 'quiet');
    assert.deepEqual(await findings(page), []);
    await page.screenshot({ path: join(SCREENSHOTS, 'silent.png') });
    await page.context().close();
  });
});

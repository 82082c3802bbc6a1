import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { flagzText, statuszText } from '../../src/metrics/zpages.ts';

/** The lines after the two that begin each page, and the blank ones around them. */
function bodyOf(page: string, name: string): readonly string[] {
  const [blank, title, warning, ...body] = page.split('\n');
  assert.deepEqual([blank, title], ['', `kube-proxy ${name}`]);
  assert.match(warning ?? '', /^Warning: /);
  assert.equal(body.at(-1), '', 'the last line has an end');
  return body.slice(0, -1);
}

suite('/statusz', () => {
  const started = Date.UTC(2026, 10, 9, 13, 26, 3);
  const page = (seconds: number) =>
    statuszText({
      started,
      now: started + seconds * 1000 + 999,
      version: '0.1.0',
      node: 'v24.1.0',
      paths: ['/a', '/b'],
    });

  test('has kube-proxy’s lines, with Node.js in the place of Go', () => {
    assert.deepEqual(bodyOf(page(0), 'statusz'), [
      '',
      'Started: Mon Nov  9 13:26:03 UTC 2026',
      'Up: 0 hr 00 min 00 sec',
      'Node.js version: v24.1.0',
      'Binary version: 0.1.0',
      '',
      'Paths: /a /b',
    ]);
  });

  for (const [seconds, up] of [
    [59, '0 hr 00 min 59 sec'],
    [3661, '1 hr 01 min 01 sec'],
    [360_000 + 59 * 60, '100 hr 59 min 00 sec'],
    // The clock was set back.
    [-5, '0 hr 00 min 00 sec'],
  ] as const) {
    test(`is up ${up} after ${seconds} s`, () => assert.ok(page(seconds).includes(`\nUp: ${up}\n`), page(seconds)));
  }
});

suite('/flagz', () => {
  test('has the flags in order, one a line, whatever is in them', () => {
    const page = flagzText(new Map([...Object.entries({ v: '2', config: '', master: 'a\nv=9' })]));
    assert.deepEqual(bodyOf(page, 'flagz'), ['config=', 'master=a v=9', 'v=2']);
  });
});

import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { type Door, type Purpose, refusalOf } from '../../src/page/door.ts';

const LOOPBACK: Door = { is: 'loopback' };
const ANYWHERE: Door = { is: 'anywhere', nodeName: 'node-1.example' };

interface Request {
  readonly peer?: string;
  readonly host?: readonly string[];
  readonly origin?: readonly string[];
  readonly site?: string;
}

function isAnswered(
  door: Door,
  { peer = '127.0.0.1', host = ['localhost'], origin = [], site }: Request,
  purpose: Purpose = 'data',
) {
  const headersDistinct = { host: [...host], ...(origin.length > 0 && { origin: [...origin] }) };
  const headers = site === undefined ? {} : { 'sec-fetch-site': site };
  return refusalOf({ socket: { remoteAddress: peer }, headers, headersDistinct }, door, purpose) === undefined;
}

suite('the page on the metrics address is answered', () => {
  for (const host of [
    'localhost',
    'localhost:10249',
    'LocalHost:8080',
    '127.0.0.1',
    '127.0.0.1:10249',
    '[::1]',
    '[::1]:1',
  ]) {
    test(`to Host ${host}`, () => assert.ok(isAnswered(LOOPBACK, { host: [host] })));
  }

  for (const host of [
    'evil.example',
    'localhost.evil.example',
    'evil.example:10249',
    '127.0.0.1.evil.example',
    'localhost.',
    '127.0.0.2',
    '0.0.0.0',
    '2130706433',
    '[::ffff:127.0.0.1]',
    '::1',
    'localhost:10249:1',
    'localhost:',
    'user@localhost',
    'localhost/x',
    ' localhost',
    'node-1.example',
    '192.0.2.7',
    '',
  ]) {
    test(`not to Host ${JSON.stringify(host)}`, () => assert.ok(!isAnswered(LOOPBACK, { host: [host] })));
  }

  test('not without a Host, nor with two', () => {
    assert.ok(!isAnswered(LOOPBACK, { host: [] }));
    assert.ok(!isAnswered(LOOPBACK, { host: ['localhost', 'evil.example'] }));
    assert.ok(!isAnswered(LOOPBACK, { host: ['localhost', 'localhost'] }));
  });

  test('to programs of this machine only, over loopback', () => {
    for (const peer of ['127.0.0.1', '127.8.8.8', '::1', '::ffff:127.0.0.1'])
      assert.ok(isAnswered(LOOPBACK, { peer }), peer);
    for (const peer of ['192.0.2.7', '10.32.0.5', 'fd00::1', 'fe80::1%eth0', '::ffff:192.0.2.7', '']) {
      assert.ok(!isAnswered(LOOPBACK, { peer }), peer);
    }
  });

  test('to itself, and a person, but not to scripts of other sites', () => {
    for (const site of [undefined, 'same-origin', 'none'])
      assert.ok(isAnswered(LOOPBACK, site === undefined ? {} : { site }));
    for (const site of ['cross-site', 'same-site', 'Same-Origin', '']) assert.ok(!isAnswered(LOOPBACK, { site }), site);
    // A link to the page is no script.
    assert.ok(isAnswered(LOOPBACK, { site: 'cross-site' }, 'document'));
  });
});

suite('--page-address is answered', () => {
  const peer = '198.51.100.9';

  for (const host of [
    '192.0.2.7',
    '192.0.2.7:10247',
    '[fd00::7]:10247',
    'localhost:8080',
    'node-1.example:10247',
    'NODE-1.example',
  ]) {
    test(`to Host ${host}, wherever it comes from`, () => assert.ok(isAnswered(ANYWHERE, { peer, host: [host] })));
  }

  for (const host of [
    'evil.example',
    'node-1',
    'node-1.example.evil.example',
    '192.0.2.7.evil.example',
    '[fd00::7',
    '01.2.3.4',
    '',
  ]) {
    test(`not to Host ${JSON.stringify(host)}`, () => assert.ok(!isAnswered(ANYWHERE, { peer, host: [host] })));
  }
});

suite('what does work for somebody', () => {
  const host = ['localhost:10249'];

  test('is done for the page itself', () => {
    for (const origin of ['http://localhost:10249', 'HTTP://LOCALHOST:10249', 'https://localhost:10249']) {
      assert.ok(isAnswered(LOOPBACK, { host, origin: [origin] }, 'action'), origin);
      assert.ok(isAnswered(LOOPBACK, { host, origin: [origin], site: 'same-origin' }, 'action'), origin);
    }
  });

  test('is not done without an Origin, for another one, or for two', () => {
    const origins = [
      [],
      ['null'],
      ['http://evil.example'],
      ['http://localhost'],
      ['http://localhost:1'],
      ['localhost:10249'],
    ];
    for (const origin of [
      ...origins,
      ['http://127.0.0.1:10249'],
      ['http://localhost:10249', 'http://localhost:10249'],
    ]) {
      assert.ok(!isAnswered(LOOPBACK, { host, origin }, 'action'), origin.join());
    }
  });

  test('is not done where the browser says that another site sends the request', () => {
    for (const site of ['cross-site', 'same-site', 'none']) {
      assert.ok(!isAnswered(LOOPBACK, { host, origin: ['http://localhost:10249'], site }, 'action'), site);
    }
  });
});

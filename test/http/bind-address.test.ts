import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { formatBindAddress, parseBindAddress } from '../../src/http/bind-address.ts';

suite('a bind address', () => {
  const good: readonly [text: string, read: string][] = [
    ['0.0.0.0:10256', '0.0.0.0:10256'],
    ['0.0.0.0', '0.0.0.0:1'],
    ['[::]:10256', '[::]:10256'],
    ['::', '[::]:1'],
    ['[FD00:0::1]:80', '[fd00::1]:80'],
    ['127.0.0.1:0', '127.0.0.1:0'],
    ['127.0.0.1:65535', '127.0.0.1:65535'],
  ];
  for (const [text, read] of good) {
    test(`"${text}" is ${read}`, () => {
      const address = parseBindAddress(text, 1);
      assert.equal(address && formatBindAddress(address), read);
    });
  }

  test('that is empty is none', () => assert.equal(parseBindAddress('', 1), undefined));

  for (const text of [
    'localhost:80',
    ':80',
    '127.0.0.1:',
    '127.0.0.1:65536',
    '127.0.0.1:http',
    '127.0.0.01:80',
    '[127.0.0.1]:80',
    '[::1]',
    '[fe80::1%eth0]:80',
    '::1]:80',
    ' 127.0.0.1:80',
  ]) {
    test(`cannot be "${text}"`, () => {
      assert.throws(() => parseBindAddress(text, 10_256), { code: 'E_USAGE', message: /0\.0\.0\.0:10256/ });
    });
  }
});

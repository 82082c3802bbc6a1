import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isTcpLoose } from '../../src/host/tcp-loose.ts';

test('conntrack is loose unless the kernel says that it is not', () => {
  const of = (text: string) =>
    isTcpLoose((path) => {
      assert.equal(path, '/proc/sys/net/netfilter/nf_conntrack_tcp_loose');
      return text;
    });
  assert.equal(of('0\n'), false);
  assert.equal(of('1\n'), true);
  const missing = () => {
    throw new Error('ENOENT');
  };
  assert.equal(isTcpLoose(missing), true);
});

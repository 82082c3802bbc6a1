import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { parseClient, parseTarget } from '../../../../src/daemon/answers/trace/request.ts';
import { ProxyError } from '../../../../src/errors.ts';

suite('a request of trace', () => {
  test('is about a Service or an address', () => {
    for (const [text, target] of [
      ['default/web', { service: 'default/web' }],
      ['default/web:http', { service: 'default/web', port: 'http' }],
      ['default/web:80/udp', { service: 'default/web', port: '80', protocol: 'udp' }],
      ['dead/beef', { service: 'dead/beef' }],
      ['10.96.0.12:80', { address: '10.96.0.12', port: 80 }],
      ['10.96.0.12:53/udp', { address: '10.96.0.12', port: 53, protocol: 'udp' }],
      ['10.96.0.12', { address: '10.96.0.12' }],
      ['10.96.0.12/icmp', { address: '10.96.0.12', protocol: 'icmp' }],
      ['[FD00:96:0::c]:53/udp', { address: 'fd00:96::c', port: 53, protocol: 'udp' }],
      ['[fd00:96::c]', { address: 'fd00:96::c' }],
      ['fd00:96::c', { address: 'fd00:96::c' }],
      // Without the last number it is no address.
      ['fd00:96::80', { address: 'fd00:96::80' }],
      ['1:2:3:4:5:6:7:80', { address: '1:2:3:4:5:6:7:80' }],
      ['[fd00::80:80]', { address: 'fd00::80:80' }],
      [':30080', { address: '', port: 30_080 }],
      [':30080/udp', { address: '', port: 30_080, protocol: 'udp' }],
    ] as const) {
      assert.deepEqual(parseTarget(text), target, text);
    }
  });

  test('is refused with a hint', () => {
    for (const [text, expected] of [
      [
        'fd00::80:80',
        /ambiguous: write \[fd00::80\]:80 for port 80 of fd00::80, or \[fd00::80:80\] for an address without a port/,
      ],
      ['web', /name the namespace of the Service too: default\/web/],
      ['web:http', /name the namespace of the Service/],
      ['10.96.0.12:', /must be/],
      ['10.96.0.12:0', /the port must be from 1 to 65535/],
      ['10.96.0.12:65536', /the port must be from 1 to 65535/],
      ['10.96.0.12:80/upd', /\/ must be followed by one of tcp, udp, sctp, /],
      ['default/web:80/icmp', /the protocol after the port must be one of tcp, udp, sctp/],
      ['10.96.0.300:80', /must be/],
      ['fd00:96::c:x', /name the namespace/],
      ['a/b/c/d', /must be/],
      ['', /must be/],
      ['default/web :80', /must be/],
    ] as const) {
      assert.throws(() => parseTarget(text), refusal(expected), text);
    }
  });

  test('comes from an address, the node, outside or an interface', () => {
    assert.deepEqual(parseClient(undefined), { is: 'node' });
    assert.deepEqual(parseClient('node'), { is: 'node' });
    assert.deepEqual(parseClient('outside'), { is: 'outside' });
    assert.deepEqual(parseClient('10.32.0.5'), { is: 'address', address: '10.32.0.5' });
    assert.deepEqual(parseClient('FD00::5%veth7'), { is: 'address', address: 'fd00::5', interface: 'veth7' });
    assert.deepEqual(parseClient('eth0.100'), { is: 'interface', name: 'eth0.100' });
    for (const text of ['', '10.32.0.5%', '10.32.0.5%a/b', 'a name', 'much-too-long-for-one', 'x%y%z']) {
      assert.throws(() => parseClient(text), refusal(/must be a pod's address, node, outside, or .* interface/), text);
    }
  });
});

function refusal(expected: RegExp): (error: unknown) => boolean {
  return (error) => error instanceof ProxyError && error.code === 'E_USAGE' && expected.test(error.message);
}

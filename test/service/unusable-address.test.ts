import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { canonicalAddress } from '../../src/ip.ts';
import { whyUnusable } from '../../src/service/unusable-address.ts';

const UNUSABLE: Readonly<Record<string, readonly string[]>> = {
  'the unspecified address': ['0.0.0.0', '0.1.2.3', '::', '0:0:0:0:0:0:0:0'],
  'a loopback address': ['127.0.0.1', '127.255.255.254', '::1', '::0.0.0.1'],
  'a link-local address': ['169.254.169.254', '169.254.0.1', 'fe80::1', 'FEBF::1', 'fe80:0:0:0:1::', 'fea9::a9fe:a9fe'],
  'a multicast address': ['224.0.0.1', '239.255.255.250', 'ff02::1', 'FF0E::1', 'ff00::'],
  'the broadcast address': ['255.255.255.255'],
  'an IPv4 address in IPv6 form': [
    '::ffff:127.0.0.1',
    '::FFFF:a9fe:a9fe',
    '0:0:0:0:0:ffff:203.0.113.5',
    '::ffff:0:169.254.169.254',
    '::169.254.169.254',
    '::ffff:0.0.0.0',
    '::2',
  ],
  'a loopback address (127.0.0.1) in IPv6 form': ['64:ff9b::127.0.0.1', '2002:7f00:1::1'],
  'a link-local address (169.254.169.254) in IPv6 form': [
    '64:ff9b::a9fe:a9fe',
    '2002:a9fe:a9fe::',
    '2002:a9fe:a9fe:1::9',
  ],
  'a multicast address (224.0.0.1) in IPv6 form': ['64:FF9B::224.0.0.1'],
  'the unspecified address (0.0.0.0) in IPv6 form': ['64:ff9b::', '2002::1'],
  'the broadcast address (255.255.255.255) in IPv6 form': ['64:ff9b::255.255.255.255'],
};

suite('an external or load balancer IP', () => {
  for (const [what, addresses] of Object.entries(UNUSABLE)) {
    for (const address of addresses)
      test(`${address} is ${what}`, () => assert.equal(whyUnusable(canonicalAddress(address)), what));
  }

  const usable = [
    ...[
      '1.0.0.1',
      '10.0.0.255',
      '126.0.0.1',
      '128.0.0.1',
      '169.253.1.1',
      '169.255.1.1',
      '192.168.0.0',
      '223.255.255.255',
    ],
    ...['240.0.0.1', '255.255.255.254', '100.64.0.1', '203.0.113.5'],
    ...['fec0::1', 'fe7f::1', 'fc00::1', 'fd00:96::a', '2001:db8::1', 'fe::1', 'ff::1', 'fe8::1'],
    ...['64:ff9b::203.0.113.5', '64:ff9b:0:0:1::a9fe:a9fe', '64:ff9b:1::a9fe:a9fe', '2002:cb00:7105::1', '2001::1'],
  ];
  for (const address of usable)
    test(`${address} can be a Service’s`, () => assert.equal(whyUnusable(canonicalAddress(address)), undefined));
});

import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { shortfallEvent } from '../../../src/daemon/events/shortfall-event.ts';

suite('the Event of what is not served as specified', () => {
  test('is on the Service, the same on all nodes for one reason', () => {
    const shortfall = { kind: 'Service', key: 'prod/web', reason: 'service-budget', message: 'too much' } as const;
    assert.deepEqual(shortfallEvent(shortfall), {
      type: 'Warning',
      reason: 'ServiceNotFullyServed',
      message: 'too much (service-budget)',
      about: { namespace: 'prod', name: 'web' },
      sameOnAllNodes: 'service-budget',
    });
  });

  test('does not say that a protected address is not served: it may be', () => {
    const shortfall = { kind: 'Service', key: 'prod/web', reason: 'protected-address', message: 'told' } as const;
    assert.equal(shortfallEvent(shortfall).reason, 'ServiceAddressProtected');
  });

  test('does not say so of an annotation that counts for nothing either', () => {
    const shortfall = { kind: 'Service', key: 'prod/web', reason: 'annotation', message: 'told' } as const;
    assert.equal(shortfallEvent(shortfall).reason, 'ServiceAnnotationIgnored');
  });

  test('is on the Node for a ServiceCIDR, which it names', () => {
    const shortfall = { kind: 'ServiceCIDR', key: 'new', reason: 'service-cidr', message: 'overlaps' } as const;
    assert.deepEqual(shortfallEvent(shortfall), {
      type: 'Warning',
      reason: 'ServiceCIDRNotUsed',
      message: 'ServiceCIDR new: overlaps',
      about: 'node',
    });
  });
});

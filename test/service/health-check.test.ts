import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { EndpointSlice, SliceEndpoint } from '../../src/objects/endpoint-slice.ts';
import type { Service } from '../../src/objects/service.ts';
import { chooseEndpoints } from '../../src/service/endpoints.ts';
import { healthCheckSteps } from '../../src/service/health-check.ts';
import { atOnce } from '../../src/service/steps.ts';
import { NODE_NAME, notReady, ready, service, servingTerminating, slice, slicePort } from '../builders/objects.ts';

const CHECKED: Partial<Service> = { type: 'LoadBalancer', externalLocal: true, healthCheckNodePort: 32_000 };
const HERE = { nodeName: NODE_NAME };

const healthCheckOf = (...args: Parameters<typeof healthCheckSteps>) => atOnce(healthCheckSteps(...args));

function localEndpoints(slices: readonly EndpointSlice[], changes: Partial<Service> = {}): number | undefined {
  return healthCheckOf(service({ ...CHECKED, ...changes }), slices, NODE_NAME)?.localEndpoints.get('ip');
}

suite('a health check', () => {
  test('names the Service and its port', () => {
    assert.deepEqual(healthCheckOf(service(CHECKED), [], NODE_NAME), {
      namespace: 'default',
      name: 'web',
      port: 32_000,
      localEndpoints: new Map([['ip', 0]]),
    });
  });

  const without: readonly [title: string, changes: Partial<Service>][] = [
    ['of type NodePort', { type: 'NodePort' }],
    ['with policy Cluster', { externalLocal: false }],
    ['of another proxy', { otherProxy: true }],
    ['that is headless', { clusterIps: [] }],
  ];
  for (const [title, changes] of without) {
    test(`is not for a Service ${title}`, () => assert.equal(localEndpoints([], changes), undefined));
  }

  test('is not for a Service without a port for it', () => {
    const { healthCheckNodePort: _, ...rest } = CHECKED;
    assert.equal(healthCheckOf(service(rest), [], NODE_NAME), undefined);
  });
});

suite('its count', () => {
  test('is of the ready endpoints of this node', () => {
    const endpoints = [ready('10.0.0.1', HERE), ready('10.0.0.2'), ready('10.0.0.3', HERE)];
    assert.equal(localEndpoints([slice(endpoints)]), 2);
  });

  test('leaves out those whose place is unknown, also on a node without a name', () => {
    const unknown = [slice([ready('10.0.0.1', { nodeName: '' })])];
    assert.equal(localEndpoints(unknown), 0);
    assert.equal(healthCheckOf(service(CHECKED), unknown, '')?.localEndpoints.get('ip'), 0);
  });

  test('leaves out those that terminate, even if they serve and are all there is', () => {
    assert.equal(localEndpoints([slice([{ ...servingTerminating('10.0.0.1'), ...HERE }])]), 0);
  });

  test('leaves out those that are not ready', () => {
    assert.equal(localEndpoints([slice([{ ...notReady('10.0.0.1'), ...HERE }])]), 0);
  });

  test('has an address once, whatever its ports and slices', () => {
    const ports = [slicePort(), slicePort({ name: 'https', port: 8443 })];
    const other = slice([ready('10.0.0.1', HERE)], { name: 'web-2', ports: [slicePort({ name: 'dns', port: 53 })] });
    assert.equal(localEndpoints([slice([ready('10.0.0.1', HERE)], { ports }), other]), 1);
  });

  suite('of several entries of an address and port, follows the one that applies', () => {
    const other = (endpoints: readonly SliceEndpoint[], changes = {}) =>
      slice(endpoints, { name: 'web-2', ...changes });
    const both = (first: EndpointSlice, second: EndpointSlice) => {
      const counts = [localEndpoints([first, second]), localEndpoints([second, first])];
      assert.equal(counts[0], counts[1], 'the order of slices makes no difference');
      return counts[0];
    };

    test('a ready one that terminates gives way to one that does not', () => {
      const ending = slice([{ ...ready('10.0.0.1', HERE), terminating: true }]);
      assert.equal(both(ending, other([notReady('10.0.0.1')])), 0);
    });

    test('of two ready ones, the one that policy Local goes by', () => {
      const slices = [slice([ready('10.0.0.1', HERE)]), other([ready('10.0.0.1', { nodeName: '' })])] as const;
      const { local } = chooseEndpoints(slices, slicePort(), 'ip', { name: NODE_NAME, zone: '' });
      assert.equal(both(...slices), local.length);
    });

    test('one on another port has no say', () => {
      const ending = slice([{ ...ready('10.0.0.1', HERE), terminating: true }]);
      assert.equal(both(ending, other([notReady('10.0.0.1')], { ports: [slicePort({ port: 9090 })] })), 1);
      assert.equal(both(ending, other([notReady('10.0.0.1')], { ports: [slicePort({ name: 'https' })] })), 1);
    });
  });

  test('leaves out a slice without ports', () => {
    assert.equal(localEndpoints([slice([ready('10.0.0.1', HERE)], { ports: [] })]), 0);
  });

  suite('with two families', () => {
    const v4 = slice([ready('10.0.0.1', HERE), ready('10.0.0.2', HERE)]);
    const v6 = (...addresses: string[]) =>
      slice(
        addresses.map((address) => ready(address, HERE)),
        { name: 'web-6' },
      );
    const countsOf = (clusterIps: readonly string[], slices: readonly EndpointSlice[]) => {
      const check = healthCheckOf(service({ ...CHECKED, clusterIps }), slices, NODE_NAME);
      return [...(check?.localEndpoints ?? [])];
    };

    test('is that of each', () => {
      const counts = countsOf(['10.96.0.10', 'fd00:96::10'], [v4, v6('fd00::1')]);
      assert.deepEqual(counts, [
        ['ip', 2],
        ['ip6', 1],
      ]);
    });

    test('leaves out the one the Service does not have', () => {
      assert.deepEqual(countsOf(['10.96.0.10'], [v4, v6('fd00::1')]), [['ip', 2]]);
      assert.deepEqual(countsOf(['fd00:96::10'], [v4, v6('fd00::1')]), [['ip6', 1]]);
    });
  });
});

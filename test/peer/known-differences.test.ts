import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import type { RawObject } from './api-server.ts';
import type { Difference } from './comparison.ts';
import type { Connection } from './destinations.ts';
import { explanation as explained, KNOWN_DIFFERENCES, type Moment } from './known-differences.ts';

const connection: Connection = {
  client: 'pod',
  address: '203.0.113.1',
  version: 'ip4',
  port: 80,
  protocol: 'tcp',
  service: 'web',
  by: 'external IP',
  isSticky: false,
};
const difference: Difference = { what: '', connection, ours: ['refused'], theirs: ['timeout'] };

const service = (name: string, spec: object = {}): RawObject => ({
  kind: 'Service',
  metadata: { name },
  spec: { externalIPs: ['203.0.113.1'], ports: [{ protocol: 'TCP', port: 80 }], ipFamilies: ['IPv4'], ...spec },
});

const slice = (name: string, endpoint: object): RawObject => ({
  kind: 'EndpointSlice',
  metadata: { name, labels: { 'kubernetes.io/service-name': 'web' } },
  ports: [{ name: 'http', protocol: 'TCP', port: 8080 }],
  endpoints: [{ addresses: ['10.32.7.1'], nodeName: 'node-a', ...endpoint }],
});

const explanation = (told: Difference, [now = [], before = []]: readonly Moment[]) => explained(told, now, before);

describe('the known differences', () => {
  it('are rows of docs/compatibility.md', () => {
    const text = readFileSync(join(import.meta.dirname, '..', '..', 'docs', 'compatibility.md'), 'utf8');
    const rows = text.split('\n').filter((line) => line.startsWith('| '));
    for (const { row } of KNOWN_DIFFERENCES) {
      const [found, ...more] = rows.filter((line) => line.startsWith(`| ${row}`));
      assert.ok(found !== undefined && more.length === 0, row);
      const [, , ours = ''] = found.split(' | ').length === 3 ? ['', ...found.split(' | ')] : found.split('|');
      assert.notEqual(ours.trim(), 'same', row);
    }
  });

  it('explain nothing else', () => {
    const objects = [service('web'), slice('web-a', {})];
    assert.equal(explanation(difference, [objects]), undefined);
    assert.equal(explanation({ ...difference, openFlow: '10.32.7.1:8080 10.32.7.1' }, [objects, objects]), undefined);
    assert.equal(explanation({ what: '', ours: ['200'], theirs: ['503'] }, [objects]), undefined);
  });

  it('explain several claims, but not those of a moment ago', () => {
    const claimed = [service('web'), service('www')];
    assert.equal(explanation(difference, [claimed]), 'several Services claim one address and port');
    assert.equal(explanation(difference, [[service('web')], claimed]), undefined);
    const other = [service('web'), service('www', { ports: [{ protocol: 'TCP', port: 81 }] })];
    assert.equal(explanation(difference, [other]), undefined);
  });

  it('explain slices that do not agree, unless one entry terminates', () => {
    const ready = slice('web-a', { conditions: { ready: true } });
    const name = 'an endpoint is in two slices, which do not agree about it';
    assert.equal(explanation(difference, [[ready, slice('web-b', { conditions: { ready: false } })]]), name);
    assert.equal(explanation(difference, [[ready, slice('web-b', { conditions: { terminating: true } })]]), undefined);
    assert.equal(explanation(difference, [[ready, slice('web-b', { conditions: { ready: true } })]]), undefined);
  });

  it('explain the health check of a Service with such slices, but not that of another', () => {
    const health: Difference = { what: '', healthCheckNodePort: 32_000, ours: ['200'], theirs: ['503'] };
    const slices = [true, false].map((ready) => slice(`web-${ready}`, { conditions: { ready } }));
    const name = 'an endpoint is in two slices, which do not agree about it';
    assert.equal(explanation(health, [[service('web', { healthCheckNodePort: 32_000 }), ...slices]]), name);
    assert.equal(explanation(health, [[service('web', { healthCheckNodePort: 32_001 }), ...slices]]), undefined);
    assert.equal(explanation(health, [[service('www', { healthCheckNodePort: 32_000 }), ...slices]]), undefined);
  });

  it('explain a pod that reaches itself on nobody knows which node', () => {
    const name = 'a pod reaches itself though nobody says which node it is on';
    assert.equal(explanation(difference, [[slice('web-a', { nodeName: undefined })]]), name);
    const other = { ...difference, connection: { ...connection, client: 'outside' as const } };
    assert.equal(explanation(other, [[slice('web-a', { nodeName: undefined })]]), undefined);
  });

  it('explain that ours ends a flow to what no Service has, but not that it goes on', () => {
    const udp = { ...connection, protocol: 'udp' as const };
    const flow: Difference = {
      what: '',
      connection: udp,
      openFlow: '10.32.7.1:8080 10.32.7.1',
      ours: ['refused'],
      theirs: ['goes on'],
    };
    assert.equal(explanation(flow, [[], []]), 'an open flow to what is no Service any more ends');
    assert.equal(explanation({ ...flow, ours: ['goes on'], theirs: ['refused'] }, [[], []]), undefined);
    assert.equal(explanation({ ...flow, connection }, [[], []]), undefined);
  });

  it('explain that ours ends a flow that could not begin any more', () => {
    const udp = { ...connection, protocol: 'udp' as const };
    const flow: Difference = {
      what: '',
      connection: udp,
      openFlow: '10.32.7.1:8080 10.32.7.1',
      ours: ['timeout'],
      theirs: ['goes on'],
    };
    const now = [service('web', { ports: [{ protocol: 'UDP', port: 80 }] })];
    const served = [now, now];
    assert.equal(
      explanation({ ...flow, couldBegin: false }, served),
      'an open flow that could not begin any more ends',
    );
    assert.equal(explanation({ ...flow, couldBegin: true }, served), undefined);
    assert.equal(
      explanation({ ...flow, couldBegin: false, ours: ['goes on'], theirs: ['timeout'] }, served),
      undefined,
    );
  });
});

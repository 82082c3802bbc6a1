import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { ClaimConflict } from '../../src/service/frontend-claims.ts';
import { daemonModels } from '../builders/daemon-models.ts';
import { ready, service, serviceCidr, slice } from '../builders/objects.ts';
import { describeTransaction } from '../builders/strict-kernel.ts';

suite('ServiceCIDRs in the models', () => {
  function filled() {
    const cidr = serviceCidr('kubernetes', '10.96.0.0/16', 'fd00:96::/112');
    const { cluster, models } = daemonModels({ objects: [service(), slice([ready('10.0.0.1')]), cidr] });
    const fill = models.map((model) => {
      const transaction = describeTransaction(model.nextTransaction());
      while (model.isDirty) model.nextTransaction();
      return transaction.filter((line) => line.includes('service-cidrs'));
    });
    /** The next transaction of each model after a change of networks only. */
    const change = () =>
      models.map((model) => {
        assert.equal(model.isDirty, false);
        model.networksChanged();
        assert.equal(model.isDirty, true);
        const transaction = describeTransaction(model.nextTransaction());
        assert.equal(model.isDirty, false);
        return transaction;
      });
    return { cluster, fill, change };
  }

  test('are part of the first fill, each family its own', () => {
    assert.deepEqual(filled().fill, [['+ service-cidrs 10.96.0.0/16'], ['+ service-cidrs fd00:96::/112']]);
  });

  test('that change give a transaction of just that set', () => {
    const { cluster, change } = filled();
    cluster.set(serviceCidr('more', '10.200.0.0/16'));
    assert.deepEqual(change(), [['+ service-cidrs 10.200.0.0/16'], []]);
    cluster.set(serviceCidr('kubernetes', '10.96.0.0/16', 'fd00:97::/112'));
    assert.deepEqual(change(), [[], ['- service-cidrs fd00:96::/112', '+ service-cidrs fd00:97::/112']]);
    cluster.delete('ServiceCIDR', 'kubernetes');
    assert.deepEqual(change(), [['- service-cidrs 10.96.0.0/16'], ['- service-cidrs fd00:97::/112']]);
  });

  test('that overlap, as while one is replaced by a wider one, are one network', () => {
    const { cluster, change } = filled();
    cluster.set(serviceCidr('wider', '10.96.0.0/12'));
    assert.deepEqual(change(), [['- service-cidrs 10.96.0.0/16', '+ service-cidrs 10.96.0.0/12'], []]);
    cluster.delete('ServiceCIDR', 'kubernetes');
    assert.deepEqual(change(), [[], ['- service-cidrs fd00:96::/112']]);
  });
});

test('two Services that want the same in both families are one warning, and told of once', () => {
  const clusterIps = ['10.96.0.10', 'fd00:96::10'];
  const objects = [
    service({ name: 'old', clusterIps, createdAt: '2026-01-01T00:00:00Z' }),
    service({ name: 'new', clusterIps, createdAt: '2026-02-01T00:00:00Z' }),
  ];
  const told: string[] = [];
  const onConflict = ({ winner, loser }: ClaimConflict) => told.push(`${winner.serviceKey} ${loser.serviceKey}`);
  const { drain, lines } = daemonModels({ objects, onConflict });
  drain();
  assert.equal(lines.length, 1, lines.join(''));
  assert.deepEqual(told, ['default/old default/new']);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { buildProgram } from '../../src/ruleset/program.ts';
import { Cluster } from '../../src/service/cluster.ts';
import { FamilyModel } from '../../src/sync/family-model.ts';
import { networks } from '../builders/networks.ts';
import { NODE_NAME, ready, service, slice } from '../builders/objects.ts';
import { recordingLog } from '../builders/recording-log.ts';

test('a model reads Cilium’s annotations where its cluster says so', () => {
  const frontendWith = (readsCilium: boolean) => {
    const cluster = new Cluster(NODE_NAME);
    cluster.readsCilium = readsCilium;
    cluster.set(service({ options: { ciliumLbAlgorithm: 'maglev' } }));
    for (const [i, ciliumWeight] of [10, 90].entries()) {
      cluster.set(slice([ready(`10.0.0.${i + 1}`)], { name: `web-${i}`, options: { ciliumWeight } }));
    }
    const settings = { program: buildProgram('ip', {}), networks: () => networks([]) };
    const model = new FamilyModel(cluster, settings, recordingLog().log);
    model.restart([]);
    while (model.isDirty) model.nextTransaction();
    const [frontend] = model.frontendsOf('default/web');
    return [frontend?.hashing?.by, frontend?.endpoints.map(({ weight = 1 }) => weight)];
  };
  assert.deepEqual(frontendWith(true), ['connection', [1, 9]]);
  assert.deepEqual(frontendWith(false), [undefined, [1, 1]]);
});

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Connection } from './destinations.ts';
import { Draws } from './draws.ts';
import { KeptClients } from './kept-clients.ts';

const CONNECTION: Connection = {
  address: '10.96.0.10',
  version: 'ip4',
  port: 80,
  protocol: 'tcp',
  service: 'web',
  by: 'cluster IP',
  isSticky: true,
  client: 'remote-pod',
};

const HERE = '10.32.0.21:8080';
const ELSEWHERE = '10.32.0.22:8080';

/** A node that leads all clients to one endpoint each time it is probed: the last one from then on. */
function leadingTo(...endpoints: readonly string[]) {
  let probes = 0;
  return {
    run: async (_place: string, requests: readonly string[]) => {
      const endpoint = endpoints[Math.min(probes, endpoints.length - 1)] ?? '';
      probes += 1;
      return requests.map(() => new Map([[`${endpoint} 10.33.0.5`, 1]]));
    },
  };
}

async function differences(ours: readonly string[], theirs: readonly string[], isExplained = () => false) {
  const clients = new KeptClients({ ours: leadingTo(...ours), theirs: leadingTo(...theirs) });
  await clients.open([CONNECTION], new Draws(1));
  return (await clients.compare(isExplained, [0, 0])).map((one) => [one.boundTo, one.ours[0], one.theirs[0]]);
}

describe('clients with session affinity that come back', () => {
  it('fare the same where they stay on both nodes, or leave on both', async () => {
    assert.deepEqual(await differences([HERE], [HERE]), []);
    assert.deepEqual(await differences([HERE, ELSEWHERE], [HERE, ELSEWHERE]), []);
  });

  it('differ where they stay on one node, and leave on the other one', async () => {
    assert.deepEqual(await differences([HERE], [HERE, ELSEWHERE]), [[HERE, '24 stay', '0 stay']]);
    assert.deepEqual(await differences([HERE, ELSEWHERE], [HERE]), [[HERE, '0 stay', '24 stay']]);
  });

  it('may leave one node later than the other one', async () => {
    assert.deepEqual(await differences([HERE, HERE, HERE, ELSEWHERE], [HERE, ELSEWHERE]), []);
    assert.deepEqual(await differences([HERE, ELSEWHERE], [HERE, HERE, ELSEWHERE]), []);
  });

  it('have left though they come back after that', async () => {
    assert.equal((await differences([HERE, ELSEWHERE, HERE], [HERE])).length, 1);
  });

  it('are not probed again where it is explained', async () => {
    const stays = [HERE, HERE, ELSEWHERE];
    assert.equal((await differences(stays, [HERE, ELSEWHERE], () => true)).length, 1);
    assert.equal((await differences(stays, [HERE, ELSEWHERE])).length, 0);
  });
});

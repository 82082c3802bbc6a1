import assert from 'node:assert/strict';
import process from 'node:process';
import { after, before, describe, it } from 'node:test';
import { Campaign } from './campaign.ts';
import { type ServicePlan, serviceObject, sliceObject } from './cluster-plan.ts';
import { Draws } from './draws.ts';
import { peerPrograms } from './programs.ts';

/** Random clusters of the short run that `npm test` has; `npm run test:peer` has as many as are requested. */
const CLUSTERS = [0, 1, 2];

const WEB: ServicePlan = {
  name: 'web',
  number: 0,
  type: 'ClusterIP',
  clusterIps: 0,
  families: ['ip4'],
  ports: [{ name: 'http', protocol: 'TCP', port: 80, nodePort: undefined }],
  externalIps: [],
  loadBalancerIps: [],
  ipMode: undefined,
  ranges: [],
  externalLocal: false,
  internalLocal: false,
  affinity: undefined,
  othersProxy: false,
  nodePorts: false,
};

const programs = peerPrograms();
// Where the programs are not there, there is no test to skip either.
if (typeof programs === 'string')
  process.stdout.write(`Left out: the comparison with a real kube-proxy. ${programs}\n`);
else {
  describe('ours beside a real kube-proxy, on one real API server', () => {
    let campaign: Campaign;
    const lines: string[] = [];

    before(async () => {
      campaign = await Campaign.create(programs, { seed: 1, steps: 4, log: (line) => lines.push(line) });
    });

    after(() => campaign.end());

    for (const cluster of CLUSTERS) {
      it(`random cluster ${cluster}: nothing but known differences`, async () => {
        const findings = await campaign.run(cluster);
        assert.equal(findings.length, 0, lines.join('\n'));
      });
    }

    it('finds a fault of the rules', async () => {
      const { judge } = campaign;
      const slice = sliceObject({
        name: 'web',
        serviceName: 'web',
        version: 'ip4',
        endpoints: [{ name: 'here', conditions: { ready: true }, isPlaced: true, zones: [], nodes: [] }],
        ports: [{ name: 'http', protocol: 'TCP', port: 8080 }],
      });
      await judge.forget();
      await judge.nodes.change({
        edits: [...judge.nodes.state.removals(new Draws(1)), { apply: serviceObject(WEB) }, { apply: slice }],
      });
      assert.deepEqual(await judge.take({ edits: [] }, new Draws(2)), []);
      judge.nodes.networks.ours.world.loadNft(
        'node',
        `table inet kpn-fault {
chain lost { type filter hook postrouting priority 500; ip daddr 10.32.0.21 tcp dport 8080 drop; }
}
`,
      );
      const findings = await judge.take({ edits: [] }, new Draws(2));
      assert.ok(
        findings.some(
          ({ connection, ours, theirs }) =>
            connection?.service === 'web' && ours.join() === 'timeout' && theirs.join() !== 'timeout',
        ),
      );
    });
  });
}

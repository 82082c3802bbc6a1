import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type ExpectationLine, parseExpectation } from './runner/expectation.ts';
import { node, ready, service, serviceCidr, slices } from './runner/objects.ts';
import { CLUSTER_CIDRS } from './runner/scenario.ts';
import { Stage } from './runner/stage.ts';

/** None of these is what happens. */
const WRONG: readonly ExpectationLine[] = [
  'pod → cluster-ip:80 → here, source kept',
  'pod → cluster-ip:80 → here or there or here-2, source kept',
  'pod → cluster-ip:80 → here:8081 or there, source kept',
  'pod → cluster-ip:80 → here or there, masqueraded',
  'pod → cluster-ip:80 → here, masqueraded; or there, source kept',
  'outside → cluster-ip:80 → here or there, source kept',
  'pod → cluster-ip:80 → rejected',
  'pod → cluster-ip:80/sctp → here, source kept',
  'pod → cluster-ip:80/sctp → dropped',
  'pod → cluster-ip:81 → dropped',
  'pod → cluster-ip:81 → untouched',
  'pod → cluster-ip:81 → here, source kept',
  'pod → unallocated-ip:80 → untouched',
  'pod → unallocated-ip:80 → rejected',
  'node → unallocated-ip:80 → rejected',
  'node → cluster-ip:81 → dropped',
  'outside → external-ip:80 → dropped',
  'node → node:30080 → rejected',
  'outside → external-ip:80/sctp → dropped',
  'node → cluster-ip:80 → one of here or there, source kept',
  'pod → cluster-ip:80 → by hash one of here or there, source kept',
  'pod → cluster-ip:80 → here 9/10 or there 1/10, source kept',
];

/** These are for those who remember: what limits do only the kernel knows. */
const NOT_LIMITED: readonly ExpectationLine[] = [
  'pod → cluster-ip:80 → here or there, source kept; rejected beyond 3',
  'pod → cluster-ip:80 → here or there, source kept; rejected beyond 900/s',
  'pod → cluster-ip:80 → here or there, source kept; most rejected',
];

/** This is for those who remember. */
const NOT_STICKY: ExpectationLine = 'pod → cluster-ip:80 → one of here or there, source kept';

describe('the runner of scenarios', () => {
  it('has three judges, each of whom sees what is wrong with an expectation', async () => {
    const stage = await Stage.create();
    try {
      const pipeline = await stage.pipeline(CLUSTER_CIDRS);
      await pipeline.replaceAll([
        node(),
        service('web'),
        ...slices('web', [ready('here'), ready('there')]),
        serviceCidr('kubernetes', ['10.96.0.0/16', 'fd00:96::/112']),
      ]);
      const found = await stage.disagreements(WRONG);
      for (const line of WRONG) {
        for (const version of ['IPv4', 'IPv6']) {
          for (const protocol of parseExpectation(line).protocols) {
            for (const judge of ['the tracer', 'trace --live', 'the kernel']) {
              const complaint = `${version} ${protocol}: ${line} -- ${judge}: `;
              assert.ok(
                found.some((text) => text.startsWith(complaint)),
                `none begins with "${complaint}" of\n${found.join('\n')}`,
              );
            }
          }
        }
      }
      assert.deepEqual(await stage.disagreements(['pod → cluster-ip:80 → here or there, source kept']), []);
      assert.match((await stage.disagreements([NOT_STICKY])).join('\n'), /IPv6 udp: .* the kernel: here.* or there/);
      const limited = await stage.disagreements(NOT_LIMITED);
      assert.equal(limited.length, 4 * NOT_LIMITED.length, limited.join('\n'));
      for (const text of limited) assert.match(text, /-- the kernel: /);
      stage.world.nodeShell('nft insert rule ip kube-proxy-nft dispatch meta l4proto sctp counter');
      const [broken] = await stage.disagreements(['pod → cluster-ip:80/tcp → here or there, source kept']);
      assert.match(
        `${broken}`,
        /-- trace --live: not as in the kernel: .*a rule was added: "meta l4proto sctp counter/,
      );
    } finally {
      await stage.remove();
    }
  });

  it('refuses a line that it cannot read', () => {
    for (const [line, problem] of [
      ['pod → cluster-ip:http → rejected', /not CLIENT → TARGET → OUTCOME/],
      ['pod → cluster-ip:80/icmp → rejected', /not CLIENT → TARGET → OUTCOME/],
      ['pod → cluster-ip:80 → here and there, source kept', /no endpoint here and there/],
      ['pod → cluster-ip:80 → here or their, source kept', /no endpoint their/],
      ['pod → cluster-ip:80 → here; or there, source kept', /cannot read "here"/],
      ['pod → cluster-ip:80 → here 1/2 or there, source kept', /the shares are not all there is/],
      ['pod → cluster-ip:80 → here 1/2 or there 1/3, source kept', /the shares are not all there is/],
      ['pod → cluster-ip:80 → one of here 1/2 or there 1/2, source kept', /no shares of its connections/],
    ] as const) {
      assert.throws(() => parseExpectation(line), problem);
    }
  });

  it('fails for an object that the API would refuse, and for one to remove that is not there', async () => {
    const stage = await Stage.create();
    try {
      const pipeline = await stage.pipeline(CLUSTER_CIDRS);
      await assert.rejects(pipeline.replaceAll([service('Not a name')]), /metadata.name/);
      await assert.rejects(pipeline.change([], ['Service/web']), /no Service\/web/);
    } finally {
      await stage.remove();
    }
  });
});

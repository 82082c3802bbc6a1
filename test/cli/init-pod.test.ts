import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import { suite, test } from 'node:test';
import { Place } from './program.ts';

// What these leave alone: the machine's sysctls.
const UNSET = ['--conntrack-max-per-core=0', '--conntrack-tcp-timeout-established=0'];

suite('init-pod', () => {
  test('gives the run directory away, sets sysctls, and prints what check finds, which does not fail it', async (context) => {
    const place = new Place(context);
    mkdirSync(place.file('run'));
    const flags = ['--run-dir', place.file('run'), ...UNSET, '--conntrack-udp-timeout=45s'];
    // Whatever else there is: check calls this a problem.
    const source = ['--kubeconfig', place.file('none')];
    const { exitCode, stdout, stderr } = await place.run(['init-pod', '65525', ...flags, ...source]);
    assert.equal(exitCode, 0, stderr);
    const { uid, gid, mode } = statSync(place.file('run'));
    assert.deepEqual([uid, gid, mode & 0o777], [65_525, 65_525, 0o755]);
    assert.match(stderr, /set file="\/proc\/sys\/net\/netfilter\/nf_conntrack_udp_timeout" value=45/);
    assert.match(stderr, /\] initialized;/);
    assert.match(stdout, /^ok +nft +nft 1\./m);
    assert.match(stdout, /^problem +API server /m);
  });

  test('warns of each thing that it cannot do, and goes on to the next', async (context) => {
    const place = new Place(context);
    writeFileSync(place.file('run'), 'a file');
    chmodSync(place.file('run'), 0o600);
    const flags = ['--run-dir', place.file('run'), '--conntrack-min=2000000000'];
    const { exitCode, stdout, stderr } = await place.run(['init-pod', '65525', ...flags]);
    assert.equal(exitCode, 0, stderr);
    assert.equal(statSync(place.file('run')).uid, 0);
    assert.match(
      stderr,
      /^W.*continuing, although this failed: the run directory .*\/run was not given to user 65525: it is not a dir/m,
    );
    assert.match(stderr, /^W.*continuing, although this failed: not set: .*nf_conntrack_max/m);
    assert.match(stdout, /^ok +nft +nft 1\./m);
  });

  for (const uid of ['root', '4294967295']) {
    test(`refuses ${JSON.stringify(uid)}`, async (context) => {
      const { exitCode, stderr } = await new Place(context).run(['init-pod', uid]);
      assert.equal(exitCode, 2, stderr);
      assert.match(stderr, /\[E_USAGE\]\n$/);
    });
  }
});

import assert from 'node:assert/strict';
import { rmSync, writeFileSync } from 'node:fs';
import process from 'node:process';
import { suite, test } from 'node:test';
import { Place } from './program.ts';
import { smallNode } from './small-node.ts';

/** Prints the status and the body of an answer. */
const FETCH = 'fetch(process.argv[1]).then(async (answer) => console.log(answer.status, await answer.text()))';

suite('a kernel that is broken, and cannot be repaired', () => {
  test('is told by status, metrics and health, and so is that it is as it should be again', async (context) => {
    const place = new Place(context);
    place.command(['ip', 'link', 'set', 'lo', 'up']);
    // Once that file is there, nft reads and does not write. The one that stays open is never there.
    const path = place.pathWithNft(`
case " $* " in
*" -i "*) exit 1 ;;
*" list "* | *" monitor "* | *" --version "*) ;;
*) if [ -e ${place.file('refuse')} ]; then echo 'Error: Could not process rule: Device or resource busy' >&2; exit 1; fi ;;
esac
exec /usr/sbin/nft "$@"`);
    await place.startDaemon([...smallNode(place), '--iptables-sync-period', '1s', '--heartbeat=false'], { path });
    const get = (port: number, page: string) =>
      place.command([process.execPath, '-e', FETCH, `http://127.0.0.1:${port}/${page}`]);
    const told = async () => {
      const { stdout, exitCode } = await place.run(['status']);
      const json = JSON.parse((await place.run(['status', '-o', 'json'])).stdout);
      const [, differences] =
        /^kubeproxy_nft_rule_differences\{ip_family="IPv4"\} (\d+)$/m.exec(get(10_249, 'metrics')) ?? [];
      return {
        status: `${exitCode} ${/^node-1: (.*)/.exec(stdout)?.[1]}`,
        json: json.inSync,
        metrics: Number(differences) > 0 ? 'differences' : 'none',
        healthz: get(10_256, 'healthz').slice(0, 3),
        health: /"healthy":(?:true|false)/.exec(get(10_256, 'healthz'))?.[0],
        // Another process would be refused, too.
        livez: get(10_256, 'livez').slice(0, 3),
      };
    };
    const healthy = {
      ...{ status: '0 in sync', json: true, metrics: 'none' },
      ...{ healthz: '200', health: '"healthy":true', livez: '200' },
    };
    const broken = {
      ...{ status: '1 NOT in sync', json: false, metrics: 'differences' },
      ...{ healthz: '503', health: '"healthy":false', livez: '200' },
    };
    const isTold = async (expected: object) => {
      let last: object = {};
      for (let i = 0; i < 60; i++) {
        last = await told();
        if (JSON.stringify(last) === JSON.stringify(expected)) return;
      }
      assert.deepEqual(last, expected);
    };
    await isTold(healthy);

    writeFileSync(place.file('refuse'), '');
    place.nft('flush chain ip kube-proxy-nft dispatch');
    await isTold(broken);
    const { stdout } = await place.run(['status']);
    assert.match(stdout, /^ {2}changed by others +IPv4, \d+ s ago: chain dispatch .*: a rule was deleted: /m);
    assert.match(stdout, /^ {2}IPv4 +(?:no table is in force: .*, \d+ failures? in a row|differs: )/m);

    rmSync(place.file('refuse'));
    await isTold(healthy);
    assert.match(place.nft('-t list ruleset ip'), /chain dispatch \{(?:\n\t\t.*)*? vmap @services/);
  });
});

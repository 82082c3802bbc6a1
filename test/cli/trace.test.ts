import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { parseTraceQuestion } from '../../src/cli/trace.ts';
import { ProxyError } from '../../src/errors.ts';
import { Place } from './program.ts';

describe('what --trace and --from say', () => {
  it('is an address with port and protocol, or alone', () => {
    assert.deepEqual(parseTraceQuestion('10.96.0.12:80', undefined), {
      destination: '10.96.0.12',
      protocol: 'tcp',
      port: 80,
    });
    assert.deepEqual(parseTraceQuestion('[fd00:96::c]:53/udp', 'fd00:32::5%veth7'), {
      destination: 'fd00:96::c',
      protocol: 'udp',
      port: 53,
      source: 'fd00:32::5',
      interface: 'veth7',
    });
    assert.deepEqual(parseTraceQuestion('fd00:96::c', undefined), { destination: 'fd00:96::c', protocol: 'icmpv6' });
  });

  it('is refused if it is none, or the client is of the other family', () => {
    for (const [to, from] of [
      ['web:80', undefined],
      ['10.96.0.12:', undefined],
      ['10.96.0.12:80/upd', undefined],
      ['fd00:96::c:x', undefined],
      ['10.96.0.12:80', 'fd00::1'],
      ['10.96.0.12:80', 'pod'],
    ] as const) {
      assert.throws(
        () => parseTraceQuestion(to, from),
        (error) => error instanceof ProxyError && error.code === 'E_USAGE',
      );
    }
  });
});

describe('--trace', () => {
  it('asks the daemon, and without one follows the packet through what it would program', async (context) => {
    const place = new Place(context);
    const source = ['--manifests', join(import.meta.dirname, '..', '..', 'examples'), '--cluster-cidr', '10.32.0.0/16'];
    const question = ['--trace', '10.96.0.80:80', '--from', '10.32.0.99'];
    const alone = await place.run([...question, ...source]);
    assert.equal(alone.exitCode, 0, alone.stderr);
    assert.match(alone.stdout, /^tcp 10\.32\.0\.99 → 10\.96\.0\.80:80, from a pod: /);
    assert.match(alone.stdout, /to 10\.32\.0\.\d+:8080\n/);
    assert.match(alone.stdout, /dispatch: .* vmap @services → 10\.96\.0\.80 \. tcp \. 80 : goto pick-tcp-/);

    const daemon = await place.startDaemon(source);
    const asked = await place.run(question);
    const unknown = await place.run(['--trace', '10.96.0.80:81/tcp']);
    await daemon.stop();
    assert.match(asked.stdout, /the running daemon/);
    assert.equal(asked.stdout.split('\n(')[0], alone.stdout.split('\n(')[0]);
    assert.match(unknown.stdout, /from the node itself: rejected with tcp reset/);
  });

  it('needs an address, and a client only with it', async (context) => {
    const place = new Place(context);
    for (const args of [
      ['--trace', 'web:80'],
      ['--from', '10.0.0.1'],
      ['--trace', '10.0.0.1', '--dump'],
    ]) {
      const ended = await place.run(args);
      assert.equal(ended.exitCode, 2, ended.stderr);
      assert.match(ended.stderr, /\[E_USAGE\]\n$/);
    }
  });
});

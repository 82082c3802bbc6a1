import { join } from 'node:path';
import process from 'node:process';
import { floodUdp } from '../../netns/flood.ts';
import { again, type HostileCase } from '../case.ts';
import { signalNft } from '../nft-processes.ts';
import { clusterIp, large, podAddresses, service, slice } from '../objects.ts';
import type { Stage } from '../stage.ts';

const STRANGER = join(import.meta.dirname, '..', 'programs', 'stranger-program.ts');
const DNS = [{ name: 'dns', protocol: 'UDP', port: 53 }];

/** Some Services beside the bystander, so that there is something to lose. */
function someServices(stage: Stage): void {
  for (let i = 0; i < stage.many(200); i++)
    stage.put(...large(`some-${i}`, clusterIp(1 + i), { ports: 2, endpoints: 5 }));
}

async function nft(stage: Stage, text: string): Promise<void> {
  await stage.world.exec('node', ['nft', '-f', '-'], { input: text, allowFailure: true });
}

/** What goes on in the node’s kernel and among its processes. */
export const NODE_CASES: readonly HostileCase[] = [
  {
    name: 'impostor-at-start',
    hasNoMetrics: true,
    attack:
      'a process of user nobody holds the abstract socket of the lock and 127.0.0.1:10249, has the name kube-proxy, and has our run directory among its arguments',
    before: async (stage) => {
      const named = ['bash', '-c', 'exec -a kube-proxy "$0" "$@"', process.execPath, STRANGER];
      const child = stage.world.spawn('node', [...named, '-I', join(stage.daemon.directory, 'run')], {
        stdio: ['pipe', 'pipe', 'inherit'],
      });
      await new Promise((resolve) => child.stdout?.once('data', resolve));
    },
  },
  {
    name: 'foreign-flush',
    attack: 'somebody runs `nft flush ruleset` every second',
    before: someServices,
    during: (stage, signal) => again(signal, 1000, () => nft(stage, 'flush ruleset')),
  },
  {
    name: 'foreign-table-churn',
    attack: 'another program replaces a table of 200 chains ten times a second',
    during: (stage, signal) => {
      const chains = Array.from({ length: 200 }, (_, i) => `chain c${i} { ip saddr 10.0.0.${i} counter; }`).join('\n');
      return again(signal, 100, () =>
        nft(stage, `table ip foreign\ndelete table ip foreign\ntable ip foreign {\n${chains}\n}\n`),
      );
    },
  },
  {
    name: 'foreign-large-table',
    attack: 'another program keeps changing a set of 100,000 elements',
    during: async (stage, signal) => {
      const elements = Array.from(
        { length: stage.many(100_000) },
        (_, i) => `11.${i >> 16}.${(i >> 8) & 255}.${i & 255}`,
      );
      await nft(stage, `table ip foreign { set big { type ipv4_addr; elements = { ${elements.join(', ')} }; }; }`);
      await again(signal, 50, (round) =>
        nft(stage, `add element ip foreign big { 12.0.${round >> 8}.${round & 255} }`),
      );
    },
  },
  {
    name: 'nft-killed',
    attack: 'every nft process of the node is killed once a second',
    before: someServices,
    during: (stage, signal) => again(signal, 1000, () => signalNft(stage.world, 'SIGKILL')),
  },
  {
    name: 'nft-killed-at-once',
    attack: 'every nft process of the node is killed ten times a second, so that hardly any finishes',
    before: someServices,
    during: (stage, signal) => again(signal, 100, () => signalNft(stage.world, 'SIGKILL')),
  },
  {
    name: 'conntrack-full-of-udp',
    attack: '100,000 UDP flows of one Service whose endpoints flap every 200 ms',
    before: (stage) =>
      stage.put(
        service('dns', clusterIp(1), { ports: DNS }),
        slice('dns-0', 'dns', ['10.32.250.1', '10.32.250.2'], DNS),
      ),
    during: async (stage, signal) => {
      const flood = floodUdp(stage.world, 'client', {
        destination: clusterIp(1),
        port: 53,
        flows: stage.many(100_000),
        rate: 20_000,
      });
      await again(signal, 200, (round) =>
        stage.put(slice('dns-0', 'dns', [`10.32.250.${1 + (round % 50)}`, ...podAddresses(1)], DNS)),
      );
      await flood;
    },
  },
  {
    name: 'restart',
    attack: 'the daemon is killed and starts again while a Service with 100 ports × 1,000 endpoints exists',
    before: async (stage) => {
      stage.put(...large('heavy', clusterIp(1), { ports: stage.many(100), endpoints: stage.many(1000) }));
      await stage.startDaemon();
      await stage.daemon.stop('SIGKILL');
    },
  },
];

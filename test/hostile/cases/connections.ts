import { join } from 'node:path';
import process from 'node:process';
import { NODE } from '../../netns/topology.ts';
import type { PodNamespace } from '../../netns/world.ts';
import type { HostileCase } from '../case.ts';
import { LineProgram } from '../line-program.ts';
import { clusterIp, large, podAddresses, service, slice } from '../objects.ts';
import type { Stage } from '../stage.ts';

const CLIENTS = join(import.meta.dirname, '..', '..', 'http', 'hostile-clients.ts');
/** Of a load balancer that probes this node. */
const HEALTH_CHECK = 32_100;
const HEALTH_CHECK_URL = `http://${NODE.ip4}:${HEALTH_CHECK}/`;

function attackerPod(stage: Stage): PodNamespace {
  return stage.world.addPodNamespace('10.32.64.1', 'fd00:32::64:1');
}

/** A Service that a load balancer probes, whose endpoint is here. */
function balanced(stage: Stage): void {
  const spec = { type: 'LoadBalancer', externalTrafficPolicy: 'Local', healthCheckNodePort: HEALTH_CHECK };
  const endpoints = [{ addresses: ['10.32.200.200'], nodeName: 'node-a', conditions: { ready: true } }];
  stage.put(
    service('balanced', clusterIp(1), spec, { status: { loadBalancer: { ingress: [{ ip: '203.0.113.1' }] } } }),
    slice('balanced-0', 'balanced', [], undefined, { endpoints }),
  );
}

/** For attacks with connections: a probe waits until all that came before it are accepted, at 0.03 to 0.05 ms each. */
const A_SECOND = 1000;

/** Connections from a pod of its own to the health server and a healthCheckNodePort. */
function fromPod(kind: 'silent' | 'slow' | 'half-closed', count: number): HostileCase {
  return {
    name: `${count}-${kind}-connections`,
    attack: `a pod keeps ${count.toLocaleString('en')} ${kind} connections to 10256 and a healthCheckNodePort`,
    before: balanced,
    urls: [HEALTH_CHECK_URL],
    answeredWithin: A_SECOND,
    during: (stage) => keepConnections(stage, attackerPod(stage), kind, count),
  };
}

function keepConnections(stage: Stage, where: PodNamespace | 'node', kind: string, count: number): void {
  const host = where === 'node' ? '127.0.0.1' : NODE.ip4;
  const args = [CLIENTS, kind, stage.many(count), host, 10256, HEALTH_CHECK];
  stage.world.spawn(where, [process.execPath, ...args.map(String)], { stdio: ['pipe', 'ignore', 'inherit'] });
}

/** Starts a program of programs/ on the node. */
function program(stage: Stage, name: string, ...args: readonly (string | number)[]): Promise<void> {
  return new LineProgram(stage.world, 'node', name, args).ready();
}

function controlSocket(stage: Stage): string {
  return join(stage.daemon.directory, 'run', 'control.sock');
}

/** Clients that connect, and send requests. */
export const CONNECTIONS: readonly HostileCase[] = [
  fromPod('silent', 200),
  fromPod('silent', 1000),
  fromPod('slow', 200),
  fromPod('slow', 1000),
  fromPod('half-closed', 200),
  fromPod('half-closed', 1000),
  {
    name: '1000-half-open-connections',
    attack: 'a pod keeps 1,000 half-open connections to the same two ports: it never acknowledges',
    before: balanced,
    urls: [HEALTH_CHECK_URL],
    during: (stage) => {
      const pod = attackerPod(stage);
      stage.world.loadNft(
        pod,
        'table ip deaf { chain input { type filter hook input priority 0; tcp flags & (syn | ack) == syn | ack drop; }; }',
      );
      keepConnections(stage, pod, 'silent', 1000);
    },
  },
  {
    name: '1000-local-connections',
    attack: 'a program on the node keeps 1,000 silent connections to the same two ports',
    before: balanced,
    urls: [HEALTH_CHECK_URL],
    during: (stage) => keepConnections(stage, 'node', 'silent', 1000),
  },
  {
    name: 'metrics-scrapers',
    attack: '50 clients on the node read the metrics of 500 Services without a pause',
    before: (stage) => {
      for (let i = 0; i < stage.many(500); i++) {
        stage.put(service(`s-${i}`, clusterIp(1 + i)), slice(`s-${i}-0`, `s-${i}`, podAddresses(2)));
      }
    },
    during: (stage) => program(stage, 'request-program', 50, 'http://127.0.0.1:10249/metrics'),
  },
  {
    name: 'page-clients',
    attack: '50 clients on the node request the list of 5,000 Services from the page without a pause',
    before: (stage) => {
      for (let i = 0; i < stage.many(5000); i++) {
        stage.put(service(`s-${i}`, clusterIp(1 + i)), slice(`s-${i}-0`, `s-${i}`, podAddresses(2)));
      }
    },
    during: (stage) => program(stage, 'request-program', 50, 'http://127.0.0.1:10249/page/services'),
  },
  {
    name: 'healthz-clients',
    attack: '50 clients on the node request /healthz without a pause',
    during: (stage) => program(stage, 'request-program', 50, 'http://127.0.0.1:10256/healthz'),
  },
  {
    name: 'control-socket-silent',
    attack: '500 clients connect to the control socket, which only root can do, and send nothing',
    during: (stage) => program(stage, 'hold-program', stage.many(500), '', controlSocket(stage)),
  },
  {
    name: 'control-socket-garbage',
    attack: '200 clients connect to the control socket and send something other than HTTP',
    during: (stage) =>
      program(stage, 'hold-program', stage.many(200), '\u001b[2J{}\r\n\r\n'.repeat(100), controlSocket(stage)),
  },
  {
    name: 'dumps',
    attack: '8 clients of the control socket request dumps of 30,000 elements without a pause',
    before: (stage) => stage.put(...large('dumped', clusterIp(1), { ports: 30, endpoints: stage.many(1000) })),
    during: (stage) => program(stage, 'request-program', 8, `unix:${controlSocket(stage)}:/dump?output=nft`),
  },
  {
    name: 'lock-clients',
    attack:
      '500 clients connect to the abstract socket of the lock, which anybody can do, and send nothing or something invalid',
    during: async (stage) => {
      await program(stage, 'hold-program', stage.many(250), '', '@kube-proxy-nft');
      await program(stage, 'hold-program', stage.many(250), '\u0001\n'.repeat(1000), '@kube-proxy-nft');
    },
  },
];

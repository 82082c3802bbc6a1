import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { load, loadAll } from 'js-yaml';
import packageJson from '../../package.json' with { type: 'json' };
import { parseArguments } from '../../src/cli/parse-arguments.ts';
import { parseConfiguration } from '../../src/config/read.ts';
import { loadConnection } from '../../src/source/api/connection.ts';
import { SERVICE_ACCOUNT_DIRECTORY } from '../../src/source/api/kube-config.ts';
import { KUBEADM } from '../config/kubeadm.ts';
import { apiProblems } from './api-fields.ts';
import { argsOf, DEPLOYMENT, readDaemonSet, readDeployed, readKustomization, readRbac } from './deployment.ts';

const daemonSet = readDaemonSet();
const pod = daemonSet.spec.template.spec;
const [daemon] = pod.containers;
/** scripts/release/image-root.sh puts it into the image. */
const USER = 65_525;

suite('kustomize', () => {
  for (const folder of ['.', 'daemonset', 'kubeadm', 'monitoring']) {
    test(`${folder}: names only what is there`, () => {
      const { resources, configMapGenerator } = readKustomization(folder);
      const files = (configMapGenerator?.[0].files ?? []).map((file) => file.replace(/^.*=/, ''));
      for (const name of [...resources, ...files]) {
        const path = join(DEPLOYMENT, folder, name);
        assert.ok(existsSync(path), path);
        // A folder is one of these itself.
        if (statSync(path).isDirectory()) assert.ok(existsSync(join(path, 'kustomization.yaml')), path);
      }
    });
  }

  test('images are of this version, under the name that containers have', () => {
    for (const folder of ['.', 'kubeadm']) {
      assert.deepEqual(readKustomization(folder).images, [
        { name: 'kube-proxy-nft', newName: 'kube-proxy-nft', newTag: packageJson.version },
      ]);
    }
    for (const { image } of [...pod.initContainers, daemon]) assert.equal(image, 'kube-proxy-nft');
  });

  test('the ConfigMap and the ServiceAccount that the DaemonSet names are made', () => {
    const [generator = assert.fail()] = readKustomization('.').configMapGenerator ?? [];
    assert.equal(pod.volumes.find(({ name }) => name === 'config')?.configMap?.name, generator.name);
    const [account, role, binding] = readRbac();
    assert.equal(pod.serviceAccountName, account.metadata.name);
    assert.equal(binding.roleRef.name, role.metadata.name);
    const { name, namespace } = binding.subjects[0];
    assert.deepEqual({ name, namespace }, { name: account.metadata.name, namespace: daemonSet.metadata.namespace });
  });

  test("kubeadm's names take their place, on nodes with the label of docs/migration.md", () => {
    const [{ patch } = assert.fail()] = readKustomization('kubeadm').patches ?? [];
    assert.deepEqual(load(patch), {
      apiVersion: 'apps/v1',
      kind: 'DaemonSet',
      metadata: { name: daemonSet.metadata.name, namespace: daemonSet.metadata.namespace },
      spec: {
        template: {
          spec: {
            serviceAccountName: 'kube-proxy',
            nodeSelector: { 'kube-proxy-nft': 'true' },
            volumes: [{ name: 'config', configMap: { name: 'kube-proxy' } }],
          },
        },
      },
    });
  });
});

test('every object has only fields that the API has', () => {
  const problems = (object: unknown) => {
    const { apiVersion, kind } = object as { readonly apiVersion: string; readonly kind: string };
    return apiProblems(object, `${/[^/]*$/.exec(apiVersion)?.[0].replace('v', 'V')}${kind}`);
  };
  const objects = ['daemonset/daemonset.yaml', 'rbac.yaml'].flatMap((file) => loadAll(readDeployed(file)));
  assert.equal(objects.length, 4);
  assert.deepEqual(objects.flatMap(problems), []);
  const wrong = { apiVersion: 'apps/v1', kind: 'DaemonSet', spec: { template: { spec: { hostNetworks: true } } } };
  assert.deepEqual(problems(wrong), ['spec.template.spec.hostNetworks: unknown field']);
});

suite('the DaemonSet', () => {
  test('finds its own pods, and not those of kube-proxy', () => {
    const { selector, template } = daemonSet.spec;
    assert.deepEqual(selector.matchLabels, template.metadata.labels);
    assert.notEqual(selector.matchLabels['k8s-app'], 'kube-proxy');
  });

  test('mounts volumes that there are, and all of them', () => {
    const names = pod.volumes.map(({ name }) => name);
    const mounted = [...pod.initContainers, daemon].flatMap(({ volumeMounts }) => volumeMounts.map(({ name }) => name));
    assert.deepEqual([...new Set(mounted)].sort(), names.toSorted());
  });

  test('goes to nodes that the image is for', () => {
    const [term] = pod.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms;
    assert.deepEqual(term.matchExpressions, [
      { key: 'kubernetes.io/arch', operator: 'In', values: ['amd64', 'arm64'] },
    ]);
  });

  test('requests the memory that docs/operations.md says, and sets no limits', () => {
    const rule = /\| a start, with nft \| (\d+) MiB \| (\d+) MiB \|/.exec(
      readFileSync(join(DEPLOYMENT, '..', '..', 'docs', 'operations.md'), 'utf8'),
    );
    const [base = 0, perThousand = 0] = rule?.slice(1).map(Number) ?? assert.fail('there is no rule');
    for (const { resources } of [...pod.initContainers, daemon]) {
      assert.deepEqual(resources.requests, { cpu: '50m', memory: '128Mi' });
    }
    assert.ok(base + perThousand * 1.5 <= 128, 'enough for 1,500 Services, as its comment says');
  });

  test('keeps the sockets in the folder where an executable on the node looks for them', () => {
    const { runDir } = parseArguments(['--dump']);
    assert.equal(daemon.volumeMounts.find(({ name }) => name === 'run')?.mountPath, runDir);
    assert.equal(pod.volumes.find(({ name }) => name === 'run')?.hostPath?.path, runDir);
  });
});

suite('the configuration', () => {
  const configuration = parseConfiguration(readDeployed('config.conf'), 'config.conf');
  const args = parseArguments(argsOf(daemon, 'node-a'), configuration);
  const mount = daemon.volumeMounts.find(({ name }) => name === 'config')?.mountPath ?? assert.fail();

  test('has no problems, unknown fields or settings without effect', () => {
    const { problems, unknown, notes } = configuration;
    assert.deepEqual({ problems, unknown, notes }, { problems: [], unknown: [], notes: [] });
    assert.deepEqual(args.notes, []);
  });

  test('is where the flags and its own fields say', () => {
    assert.equal(args.command, 'run');
    assert.equal(args.nodeName, 'node-a');
    assert.equal(args.config, join(mount, 'config.conf'));
    assert.equal(args.kubeconfig, join(mount, 'kubeconfig.conf'));
    const [container = assert.fail()] = pod.initContainers;
    const init = parseArguments(argsOf(container, 'node-a'), configuration);
    assert.deepEqual([init.command, init.config, init.nodeName], ['init-pod', args.config, args.nodeName]);
    assert.deepEqual([init.kubeconfig, init.runDir], [args.kubeconfig, args.runDir]);
  });

  test('has the daemon run as the user to whom the init container gives the run directory: not as root', () => {
    const [init = assert.fail()] = pod.initContainers;
    const { runAsUser, runAsGroup, runAsNonRoot } = daemon.securityContext;
    assert.deepEqual([runAsUser, runAsGroup, runAsNonRoot], [USER, USER, true]);
    assert.equal(init.args[1], String(USER));
    assert.deepEqual([init.securityContext.runAsUser, init.securityContext.privileged], [0, true]);
    for (const { volumeMounts } of [init, daemon]) {
      assert.equal(volumeMounts.find(({ name }) => name === 'run')?.mountPath, args.runDir);
    }
  });

  test("kubeadm's has its files in the same place", () => {
    const theirs = parseArguments(argsOf(daemon, 'node-a'), parseConfiguration(KUBEADM, 'config.conf'));
    assert.equal(theirs.kubeconfig, join(mount, 'kubeconfig.conf'));
    assert.deepEqual(theirs.healthzBindAddress, args.healthzBindAddress);
  });

  test('has kubelet probe where the daemon listens', () => {
    const { livenessProbe, readinessProbe } = daemon;
    const listening = args.healthzBindAddress ?? assert.fail();
    assert.equal(listening.host, '0.0.0.0');
    for (const [probe, path] of [
      [livenessProbe, '/livez'],
      [readinessProbe, '/healthz'],
    ] as const) {
      assert.deepEqual(probe?.httpGet, { host: '127.0.0.1', port: listening.port, path });
    }
  });

  test('names the port of the metrics', () => {
    const { port } = args.metricsBindAddress ?? assert.fail();
    assert.deepEqual(daemon.ports, [{ name: 'metrics', containerPort: port, protocol: 'TCP' }]);
  });

  test('reaches the API server with the service account, and not through its Service', () => {
    const folder = mkdtempSync(join(tmpdir(), 'kpn-deploy-'));
    try {
      const kubeconfig = join(folder, 'kubeconfig.conf');
      for (const [file, text] of [
        ['token', 'abc'],
        ['ca.crt', 'authority'],
      ] as const) {
        writeFileSync(join(folder, file), text);
      }
      const text = readDeployed('kubeconfig.conf');
      assert.ok(
        text.includes(`${SERVICE_ACCOUNT_DIRECTORY}/token`) && text.includes(`${SERVICE_ACCOUNT_DIRECTORY}/ca.crt`),
      );
      writeFileSync(kubeconfig, text.replaceAll(SERVICE_ACCOUNT_DIRECTORY, folder));
      // As kubelet sets it in every pod.
      const environment = { KUBERNETES_SERVICE_HOST: '10.96.0.1', KUBERNETES_SERVICE_PORT: '443' };
      const connection = loadConnection({ kubeconfig, environment });
      assert.deepEqual(connection.warnings, []);
      connection.close();
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

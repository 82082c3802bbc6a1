import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import * as v from 'valibot';
import packageJson from '../../package.json' with { type: 'json' };
import { makeChartArchive } from '../../scripts/release/archive.ts';
import { parseConfiguration } from '../../src/config/read.ts';
import { apiProblems } from '../deploy/api-fields.ts';
import { CHART, helm, type KubernetesObject, objectsIn, rendered } from './helm.ts';
import { kustomized, meaning, nameHash } from './kustomize.ts';

const ROOT = join(CHART, '..', '..', '..');
const PRESETS = readdirSync(join(CHART, 'presets')).map((file) => file.replace(/\.yaml$/, ''));
/** What a preset leaves to whoever installs it. */
const GIVEN: Readonly<Record<string, readonly string[]>> = {
  eks: ['--set', 'apiServer=https://0123456789ABCDEF.gr7.eu-west-1.eks.example.com'],
};
const flagsOf = (preset: string) => ['--values', join(CHART, 'presets', `${preset}.yaml`), ...(GIVEN[preset] ?? [])];
const MONITORING = [
  ...['podMonitor', 'prometheusRule', 'dashboard'].flatMap((object) => ['--set', `${object}.enabled=true`]),
  ...['--set', 'config.metricsBindAddress=0.0.0.0:10249'],
];

const ofKind = (objects: readonly KubernetesObject[], kind: string) =>
  objects.find((object) => object.kind === kind) ?? assert.fail(`there is no ${kind}`);

/**
 * Objects by kind and name, without the three differences that there must be between Helm's and kustomize's:
 * - The hash in the name of ConfigMap kube-proxy-nft is of a text, and the texts differ. So does the name where the
 *   DaemonSet mounts it.
 * - Its text has comments in one of them, and another order of fields.
 * - Helm would delete the ConfigMap of before while pods mount it: an annotation says that it stays.
 */
function comparable(objects: readonly KubernetesObject[]): Readonly<Record<string, unknown>> {
  const all = objects.map((object) => {
    const { annotations, ...metadata } = object.metadata;
    if (object.kind === 'ConfigMap' && metadata.name !== 'kube-proxy-nft-dashboard') {
      assert.match(metadata.name, /^kube-proxy-nft-[a-z0-9]{10}$/);
      if (annotations !== undefined) assert.deepEqual(annotations, { 'helm.sh/resource-policy': 'keep' });
      return { ...object, metadata: { ...metadata, name: 'kube-proxy-nft' }, data: meaning(object['data']) };
    }
    const [configMap, ...others] = objects.filter(({ kind, metadata: { name } }) => {
      return kind === 'ConfigMap' && name !== 'kube-proxy-nft-dashboard';
    });
    assert.equal(others.length, 0);
    if (object.kind !== 'DaemonSet' || configMap === undefined) return object;
    const text = JSON.stringify(object);
    assert.equal(text.split(`"${configMap.metadata.name}"`).length, 2, 'the DaemonSet mounts the ConfigMap');
    return JSON.parse(text.replace(`"${configMap.metadata.name}"`, '"kube-proxy-nft"')) as KubernetesObject;
  });
  return Object.fromEntries(all.map((object) => [`${object.kind} ${object.metadata.name}`, object]));
}

const Container = v.looseObject({ args: v.array(v.string()), securityContext: v.record(v.string(), v.unknown()) });
const PodSpec = v.object({ initContainers: v.tuple([Container]), containers: v.tuple([Container]) });
const Spec = v.object({ template: v.object({ spec: PodSpec }) });

/** The init container and the daemon's. */
function containersOf(objects: readonly KubernetesObject[]) {
  const { initContainers, containers } = v.parse(Spec, ofKind(objects, 'DaemonSet')['spec']).template.spec;
  return [initContainers[0], containers[0]] as const;
}

suite("the chart's objects", () => {
  test('are those of deploy/kubernetes', () => {
    const ours = comparable(rendered());
    assert.deepEqual(ours, comparable(kustomized('.')));
    assert.deepEqual(Object.keys(ours).sort(), [
      'ClusterRole kube-proxy-nft',
      'ClusterRoleBinding kube-proxy-nft',
      'ConfigMap kube-proxy-nft',
      'DaemonSet kube-proxy-nft',
      'ServiceAccount kube-proxy-nft',
    ]);
  });

  test('are those of deploy/kubernetes/kubeadm with its preset', () => {
    assert.deepEqual(rendered(...flagsOf('kubeadm')), kustomized('kubeadm'));
  });

  test('have root as the daemon, where that is requested', () => {
    const [init, daemon] = containersOf(rendered('--set', 'runAsUser=0'));
    const { runAsNonRoot, runAsUser, runAsGroup } = daemon.securityContext;
    assert.deepEqual([runAsNonRoot, runAsUser, runAsGroup], [undefined, 0, 0]);
    assert.deepEqual(init.args.slice(0, 2), ['init-pod', '0']);
  });

  test('are those of deploy/kubernetes/monitoring, where it is requested', () => {
    const kinds = ['PodMonitor', 'PrometheusRule'];
    const monitoring = rendered(...MONITORING).filter(({ kind, metadata: { name } }) => {
      return kinds.includes(kind) || name === 'kube-proxy-nft-dashboard';
    });
    assert.deepEqual(comparable(monitoring), comparable(kustomized('monitoring')));
  });

  test('have only fields that the API has, with every preset', () => {
    const core = rendered().filter(({ apiVersion }) => !apiVersion.includes('monitoring'));
    for (const objects of [core, ...PRESETS.map((preset) => rendered(...flagsOf(preset)))]) {
      for (const object of objects) {
        const { apiVersion, kind } = object;
        assert.deepEqual(apiProblems(object, `${/[^/]*$/.exec(apiVersion)?.[0].replace('v', 'V')}${kind}`), []);
      }
    }
  });

  test('have a ConfigMap of another name after a change, which the DaemonSet mounts', () => {
    const names = [[], ['--set', 'config.clusterCIDR=10.1.0.0/16'], ['--set', 'apiServer=https://192.0.2.2:6443']].map(
      (flags) => {
        const objects = rendered(...flags);
        const { name } = ofKind(objects, 'ConfigMap').metadata;
        assert.ok(JSON.stringify(ofKind(objects, 'DaemonSet')).includes(`"${name}"`));
        return name;
      },
    );
    assert.equal(new Set(names).size, 3);
    assert.equal(ofKind(rendered(), 'ConfigMap').metadata.name, names[0]);
  });

  test('take what the values say', () => {
    const digest = `sha256:${'0'.repeat(64)}`;
    const values = {
      image: { repository: 'registry.example/kube-proxy-nft', digest, pullPolicy: 'Always' },
      imagePullSecrets: [{ name: 'pull' }],
      extraArgs: ['--skip-unreachable-nodes'],
      podAnnotations: { team: 'network' },
      nodeSelector: { pool: 'a' },
      podMonitor: { enabled: true, labels: { release: 'monitoring' } },
      prometheusRule: { enabled: true, labels: { release: 'monitoring' } },
      config: { metricsBindAddress: '0.0.0.0:10249', clientConnection: { qps: 7 }, conntrack: { min: 2_000_000 } },
    };
    const objects = rendered(
      ...Object.entries(values).flatMap(([key, value]) => ['--set-json', `${key}=${JSON.stringify(value)}`]),
    );
    const pod = JSON.stringify(ofKind(objects, 'DaemonSet')['spec']);
    assert.equal(pod.split(`"image":"registry.example/kube-proxy-nft@${digest}","imagePullPolicy":"Always"`).length, 3);
    for (const part of [
      '"imagePullSecrets":[{"name":"pull"}]',
      '"--hostname-override=$(NODE_NAME)","--skip-unreachable-nodes"]',
      '"annotations":{"team":"network"}',
      '"nodeSelector":{"kubernetes.io/os":"linux","pool":"a"}',
    ]) {
      assert.ok(pod.includes(part), part);
    }
    for (const kind of ['PodMonitor', 'PrometheusRule']) {
      assert.deepEqual(ofKind(objects, kind).metadata['labels'], {
        'k8s-app': 'kube-proxy-nft',
        release: 'monitoring',
      });
    }
    const config = meaning(ofKind(objects, 'ConfigMap')['data'])['config.conf'] as Record<string, unknown>;
    assert.deepEqual(config['clientConnection'], { kubeconfig: '/var/lib/kube-proxy/kubeconfig.conf', qps: 7 });
    assert.deepEqual(config['conntrack'], { min: 2_000_000 });
  });
});

suite('presets', () => {
  const page = readFileSync(join(ROOT, 'docs', 'kubernetes.md'), 'utf8');
  /** The row of docs/kubernetes.md, "The API server's address". */
  const rowOf = (cluster: string) =>
    new RegExp(`^\\| ${cluster} \\| \`(https:[^\`]*)\`.* \\| \`([^\`]*)\` \\|$`, 'mi').exec(page);

  for (const preset of PRESETS) {
    test(`${preset}: a configuration without problems, of the values that docs/kubernetes.md has`, () => {
      const objects = rendered(...flagsOf(preset));
      if (preset === 'kubeadm')
        return assert.deepEqual(
          objects.map(({ kind }) => kind),
          ['DaemonSet'],
        );
      const { 'config.conf': text = '', 'kubeconfig.conf': kubeconfig = '' } = ofKind(objects, 'ConfigMap')[
        'data'
      ] as Record<string, string>;
      const { problems, unknown, notes, configuration } = parseConfiguration(text, 'config.conf');
      assert.deepEqual({ problems, unknown, notes }, { problems: [], unknown: [], notes: [] });
      const [, server, network] = rowOf(preset) ?? [];
      if (preset === 'eks') return assert.equal(configuration.clusterCIDR, '');
      assert.ok(kubeconfig.includes(`server: ${server}\n`), `${kubeconfig} has ${server}`);
      assert.equal(configuration.clusterCIDR, network);
    });
  }
});

suite('the examples of docs/kubernetes.md', () => {
  const page = readFileSync(join(ROOT, 'docs', 'kubernetes.md'), 'utf8');
  const examples = [...page.matchAll(/^ {4,}helm upgrade --install (.*)$/gm)].map(([, flags = '']) => flags.split(' '));

  test('are of all kinds', () => assert.ok(examples.length >= 5));

  for (const words of examples) {
    test(words.join(' '), () => {
      // What is about a release that is there, and a file of the reader's, which are not here.
      const flags = words.filter((word) => word !== '--reuse-values' && word !== '--take-ownership');
      const own = flags.indexOf('my-values.yaml');
      if (own >= 0) flags.splice(own - 1, 2);
      const [name = '', chart = '', ...others] = flags;
      assert.equal(join(ROOT, chart), CHART);
      const files = others.map((word) => (word.endsWith('.yaml') ? join(ROOT, word) : word));
      const { code, stdout, stderr } = helm('template', name, CHART, ...files);
      assert.equal(code, 0, stderr);
      assert.ok(objectsIn(stdout).some(({ kind }) => kind === 'DaemonSet'));
    });
  }
});

suite('helm lint', () => {
  for (const flags of [[], MONITORING, ...PRESETS.map(flagsOf)]) {
    test(`has nothing to say with ${flags.join(' ') || 'the default values'}`, () => {
      const { code, stdout } = helm('lint', '--strict', CHART, ...flags);
      assert.equal(code, 0, stdout);
      assert.ok(!/WARNING|ERROR/.test(stdout), stdout);
    });
  }
});

suite('the schema refuses', () => {
  const refused = (flags: readonly string[], part: RegExp) => {
    const { code, stderr } = helm('template', 'kube-proxy-nft', CHART, ...flags);
    assert.notEqual(code, 0, flags.join(' '));
    assert.match(stderr, part);
  };

  for (const [value, part] of [
    ['image.name="x"', /image.*name/s],
    ['image.pullPolicy="Sometimes"', /pullPolicy/],
    ['image.digest="sha256:12"', /digest/],
    ['image.tag="a b"', /tag/],
    ['apiServer="http://192.0.2.1:6443"', /apiServer/],
    ['apiServer="https://192.0.2.1:6443\\nusers: []"', /apiServer/],
    ['config.clusterCidr="10.0.0.0/8"', /config.*clusterCidr/s],
    ['config.mode="kernelspace"', /mode/],
    ['config.healthzBindAddress="0.0.0.0:10257"', /healthzBindAddress/],
    ['config.metricsBindAddress="0.0.0.0:9999"', /metricsBindAddress/],
    ['config.oomScoreAdj="-999"', /oomScoreAdj/],
    ['extraArgs=["config"]', /extraArgs/],
    ['configMap.create="no"', /configMap/],
    ['serviceAccount.name="Kube Proxy"', /serviceAccount/],
    ['updateStrategy.rollingUpdate.maxUnavailable=0', /maxUnavailable/],
    ['updateStrategy.rollingUpdate.maxSurge=1', /maxSurge/],
    ['nodeSelector.gpu=true', /nodeSelector/],
    ['resources.request={}', /resources/],
    ['runAsUser="root"', /runAsUser/],
    ['podMonitor.enabled="yes"', /podMonitor/],
    ['serviceMonitor.enabled=true', /serviceMonitor/],
  ] as const) {
    test(value, () => refused(['--set-json', value], part));
  }

  test("EKS's preset without the cluster's endpoint", () => {
    refused(['--values', join(CHART, 'presets', 'eks.yaml')], /apiServer/);
  });

  test('a PodMonitor of metrics that are on loopback', () => {
    refused(['--set', 'podMonitor.enabled=true'], /config\.metricsBindAddress/);
  });
});

test('the archive of a release renders the same, and has the same bytes each time', () => {
  const folder = mkdtempSync(join(tmpdir(), 'kpn-chart-'));
  try {
    const options = { version: packageJson.version, epoch: 1_700_000_000, output: folder };
    const archive = makeChartArchive(options);
    const bytes = readFileSync(archive);
    const { code, stdout, stderr } = helm('template', 'kube-proxy-nft', archive, ...MONITORING);
    assert.equal(code, 0, stderr);
    assert.deepEqual(objectsIn(stdout), rendered(...MONITORING));
    assert.ok(bytes.equals(readFileSync(makeChartArchive(options))));
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("nameHash is kustomize's, as in the example of Kubernetes' documentation", () => {
  assert.equal(nameHash('example-configmap-1', { 'application.properties': 'FOO=Bar\n' }), '8mbdf7882g');
});

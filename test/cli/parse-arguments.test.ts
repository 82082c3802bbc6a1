import assert from 'node:assert/strict';
import { hostname } from 'node:os';
import { suite, test } from 'node:test';
import { COMMANDS } from '../../src/cli/commands.ts';
import { parseArguments } from '../../src/cli/parse-arguments.ts';
import type { Arguments } from '../../src/config/arguments.ts';
import { resolveConfiguration } from '../../src/config/configuration.ts';
import { FIELD_ENTRIES } from '../../src/config/fields.ts';
import { FLAGS } from '../../src/config/flags.ts';
import { parseConfiguration } from '../../src/config/read.ts';
import { isTcpLoose } from '../../src/host/tcp-loose.ts';
import { complaintAbout } from './complaint.ts';

suite('the command line', () => {
  test('without flags runs the daemon with the defaults', () => {
    const { flagValues: _, ...others } = parseArguments([]);
    assert.deepEqual(others, {
      command: 'run',
      operands: [],
      kubeconfig: undefined,
      master: undefined,
      manifests: undefined,
      nodeName: hostname().toLowerCase(),
      podCidrs: new Map(),
      masqueradeAll: false,
      detectLocal: { mode: 'ClusterCIDR' },
      nodePortAddresses: ['primary'],
      healthzBindAddress: { host: '0.0.0.0', port: 10256 },
      metricsBindAddress: { host: '127.0.0.1', port: 10249 },
      bindAddressHardFail: false,
      zpages: { statusz: true, flagz: true },
      bindAddress: undefined,
      allowExternalIps: true,
      syncPeriod: 30_000,
      transactionInterval: 80,
      maxElementsPerService: 300_000,
      maxElements: 0,
      protectAddresses: 'warn',
      maxAffinityEndpoints: 256,
      skipUnreachableNodes: false,
      noWatch: false,
      readCiliumAnnotations: false,
      watchOthers: false,
      heartbeat: true,
      page: true,
      pageAddress: undefined,
      connectionCounters: true,
      connectionMetrics: 0,
      resetGoneEndpoints: false,
      sourceRangesOnNodePorts: false,
      nodePortSourceRanges: [],
      resetUnknown: false,
      resetsLackRules: !isTcpLoose(),
      config: undefined,
      configuration: resolveConfiguration({}, 'flags').configuration,
      fileFields: {},
      notes: [],
      besideKubeProxy: false,
      runDir: '/run/kube-proxy-nft',
      stateDir: undefined,
      stateMaxAge: 86_400_000,
      output: undefined,
      verbosity: 0,
      logFormat: 'text',
    });
  });

  const forms: readonly [argv: readonly string[], expected: Partial<Arguments>][] = [
    [['--detect-local-mode', 'NodeCIDR'], { detectLocal: { mode: 'NodeCIDR' } }],
    [
      ['--detect-local-mode=BridgeInterface', '--pod-bridge-interface=cni0'],
      { detectLocal: { mode: 'BridgeInterface', pattern: 'cni0' } },
    ],
    [
      ['--detect-local-mode=InterfaceNamePrefix', '--pod-interface-name-prefix=veth'],
      { detectLocal: { mode: 'InterfaceNamePrefix', pattern: 'veth*' } },
    ],
    [['--nodeport-addresses', 'primary, 10.0.0.0/8'], { nodePortAddresses: ['primary', '10.0.0.0/8'] }],
    [['-v', '2'], { verbosity: 2 }],
    [['-v2'], { verbosity: 2 }],
    [['-v=2'], { verbosity: 2 }],
    [['--v', '2'], { verbosity: 2 }],
    [['--v=2'], { verbosity: 2 }],
    [['--logging-format=json'], { logFormat: 'json' }],
    [['--masquerade-all'], { masqueradeAll: true }],
    [['--masquerade-all=true'], { masqueradeAll: true }],
    [['--masquerade-all=false'], { masqueradeAll: false }],
    [['--masquerade_all'], { masqueradeAll: true }],
    [['--masquerade-all', '--masquerade-all=F'], { masqueradeAll: false }],
    [['--manifests', '-'], { manifests: '-' }],
    [['--manifests', 'a', '--manifests', 'b'], { manifests: 'b' }],
    [['--manifests', 'a b'], { manifests: 'a b' }],
    [['--manifests=a=b'], { manifests: 'a=b' }],
    [['--kubeconfig', 'k'], { kubeconfig: 'k' }],
    [['--master=https://192.0.2.1:6443'], { master: 'https://192.0.2.1:6443' }],
    [['--hostname-override', ' Node-A '], { nodeName: 'node-a' }],
    [['--hostname-override='], { nodeName: hostname().toLowerCase() }],
    [['--run-dir=/tmp/x'], { runDir: '/tmp/x' }],
    [['--state-dir=/tmp/x'], { stateDir: '/tmp/x' }],
    [['--state-dir=/tmp/x', '--no-state'], { stateDir: '' }],
    [['--state-max-age=0'], { stateMaxAge: 0 }],
    [['--bind-address', 'FD00::0:1'], { bindAddress: 'fd00::1' }],
    [['--bind-address=::'], { bindAddress: undefined, metricsBindAddress: { host: '127.0.0.1', port: 10249 } }],
    [['--healthz-bind-address=127.0.0.1'], { healthzBindAddress: { host: '127.0.0.1', port: 10256 } }],
    [['--healthz-port=0', '--metrics-port', '0'], { healthzBindAddress: undefined, metricsBindAddress: undefined }],
    [['--healthz-port=9'], { healthzBindAddress: { host: '0.0.0.0', port: 9 } }],
    [['--metrics-port=9', '--metrics-bind-address=::1'], { metricsBindAddress: { host: '::1', port: 9 } }],
    [['--metrics-port=9', '--metrics-bind-address=[::1]:8'], { metricsBindAddress: { host: '::1', port: 8 } }],
    [['--iptables-sync-period=1m'], { syncPeriod: 60_000 }],
    [['--transaction-interval=0s'], { transactionInterval: 0 }],
    [['--max-elements-per-service=1000'], { maxElementsPerService: 1000 }],
    [['--max-elements=1000000'], { maxElements: 1_000_000 }],
    [['--protect-addresses=off'], { protectAddresses: 'off' }],
    [['--protect-addresses', 'enforce'], { protectAddresses: 'enforce' }],
    [['--max-affinity-endpoints=0'], { maxAffinityEndpoints: 0 }],
    [['--skip-unreachable-nodes'], { skipUnreachableNodes: true }],
    [['--no-watch'], { noWatch: true }],
    [['--read-cilium-annotations'], { readCiliumAnnotations: true }],
    [['--watch-others'], { watchOthers: true }],
    [['--heartbeat=false'], { heartbeat: false }],
    [['--page=false'], { page: false }],
    [['--page-address=192.0.2.1'], { pageAddress: { host: '192.0.2.1', port: 10247 } }],
    [['--connection-counters=false'], { connectionCounters: false }],
    [['--reset-gone-endpoints'], { resetGoneEndpoints: true }],
    [['--connection-metrics=20'], { connectionMetrics: 20 }],
    [['--source-ranges-on-node-ports'], { sourceRangesOnNodePorts: true }],
    [['--node-port-source-ranges=10.0.0.0/8,fd00::/8'], { nodePortSourceRanges: ['10.0.0.0/8', 'fd00::/8'] }],
    [['--proxy-mode=nftables', '--iptables-sync-period=1m'], { syncPeriod: 60_000 }],
    [['--proxy-mode=ipvs', '--iptables-sync-period=1m', '--ipvs-sync-period=2m'], { syncPeriod: 120_000 }],
    [['--nodeport-addresses=all', '--nodeport-addresses=::1/128'], { nodePortAddresses: ['all', '::1/128'] }],
    [['--nodeport-addresses='], { nodePortAddresses: ['primary'] }],
    [['--healthz-bind-address', '', '--metrics-bind-address', '[::1]:9'], { healthzBindAddress: undefined }],
    [['--metrics-bind-address', '[::1]:9'], { metricsBindAddress: { host: '::1', port: 9 } }],
    [['--bind-address-hard-fail=true'], { bindAddressHardFail: true }],
    [['--nodeport-addresses', 'primary,localhost'], { nodePortAddresses: ['primary', 'localhost'] }],
  ];
  for (const [argv, expected] of forms) {
    test(`understands ${argv.join(' ')}`, () => {
      const args = parseArguments(argv);
      assert.deepEqual({ ...args, ...expected }, args);
    });
  }
});

suite('--cluster-cidr', () => {
  const podCidrs = (text: string) => [...parseArguments(['--cluster-cidr', text]).podCidrs];

  test('may be one network, its host bits cleared', () =>
    assert.deepEqual(podCidrs('10.244.3.4/16'), [['ip', '10.244.0.0/16']]));

  test('may be one of each family', () => {
    assert.deepEqual(podCidrs('FD00:10::/56, 10.244.0.0/16'), [
      ['ip6', 'fd00:10::/56'],
      ['ip', '10.244.0.0/16'],
    ]);
  });

  test('may be empty', () => assert.deepEqual(podCidrs(''), []));

  for (const text of [
    '10.244.0.0',
    '10.244.0.0/33',
    'pods',
    '10.244.0.0/16;fd00::/56',
    '10.244.0.0/16,x',
    '10.1.0.0/16,10.2.0.0/16',
  ]) {
    test(`cannot be ${text}`, () => {
      assert.match(complaintAbout('--cluster-cidr', text), /^--cluster-cidr "[^"]+": must be a CIDR such as /);
    });
  }
});

suite('the command line complains about', () => {
  const bad: readonly [argv: readonly string[], complaint: RegExp][] = [
    [['--no-such-flag'], /^unknown flag --no-such-flag$/],
    [['--no-such-flag=true'], /^unknown flag --no-such-flag$/],
    [['--constructor=true'], /^unknown flag --constructor$/],
    [['-x'], /^unknown flag -x$/],
    [['--manifest', 'x'], /^unknown flag --manifest; did you mean --manifests\?$/],
    [['--manifests'], /^--manifests needs a value$/],
    [['--dump=yes'], /^--dump "yes": must be true or false$/],
    [['-v', 'high'], /^--v "high": must be a whole number of at least 0$/],
    [['-v', '-1'], /^--v "-1": must be a whole number of at least 0$/],
    [['-v='], /^--v "": must be a whole number/],
    [['--oom-score-adj', '-1001'], /^--oom-score-adj "-1001": must be a whole number from -1000 to 1000$/],
    [['--iptables-sync-period=0s'], /^--iptables-sync-period "0s": must be a duration above zero such as 30s$/],
    [['--iptables-min-sync-period=1m'], /^--iptables-min-sync-period: 1m0s is longer than syncPeriod, 30s$/],
    [['--healthz-port=70000'], /^--healthz-port "70000": must be a whole number from 0 to 65535$/],
    [['--detect-local-mode=BridgeInterface'], /^--pod-bridge-interface: an interface name is required/],
    [['--nodeport-addresses', 'primary,x'], /^--nodeport-addresses "primary,x": must be CIDRs, or any of/],
    [
      ['--proxy-mode=fast', '--no-such-flag', '--conntrack-min=x'],
      /^unknown flag --no-such-flag; --proxy-mode "fast": must be one of [^;]*; --conntrack-min "x": must be [^;]*$/,
    ],
    [['--kubeconfig', 'a', '--manifests', 'b'], /^--kubeconfig and --manifests cannot be given together/],
  ];
  for (const [argv, complaint] of bad) {
    test(`${argv.join(' ')}, in one line`, () => {
      assert.match(complaintAbout(...argv), complaint);
      assert.doesNotMatch(complaintAbout(...argv), /\n/);
    });
  }
});

suite('kube-proxy’s flags', () => {
  /** A value for each that its field takes. */
  const valueFor = (flag: string): string => {
    if (/period|timeout|frequency|interval|-age$/.test(flag)) return '45s';
    if (/^max-|-(port|bit|burst|qps|adj|min|core)$|^v$/.test(flag)) return '12';
    const values: Readonly<Record<string, string>> = {
      'feature-gates': 'A=true,B=false',
      vmodule: 'a*=2',
      'logging-format': 'text',
      'proxy-mode': 'nftables',
      'protect-addresses': 'enforce',
      'detect-local-mode': 'NodeCIDR',
      'cluster-cidr': '10.0.0.0/8',
      'nodeport-addresses': 'all',
      'node-port-source-ranges': '10.0.0.0/8',
      'bind-address': '10.0.0.1',
      'healthz-bind-address': '10.0.0.1',
      'metrics-bind-address': '10.0.0.1',
      'page-address': '10.0.0.1',
      'connection-metrics': '12',
      'proxy-port-range': '1-2',
      'log-json-info-buffer-size': '1Mi',
      'log-text-info-buffer-size': '1Mi',
    };
    return values[flag] ?? 'x';
  };

  test('are all accepted, and set their field', () => {
    for (const [path, { flag, default: usual }] of FIELD_ENTRIES) {
      if (flag === undefined || flag === 'iptables-min-sync-period' || flag === 'ipvs-min-sync-period') continue;
      const value = typeof usual === 'boolean' ? String(!usual) : valueFor(flag);
      const { configuration } = parseArguments([`--${flag}=${value}`]);
      if (value !== 'text' && value !== 'nftables') assert.notDeepEqual(configuration[path], usual, flag);
    }
  });

  test('of k3s', () => {
    const { notes, healthzBindAddress, configuration } = parseArguments([
      '--cluster-cidr=10.42.0.0/16',
      '--conntrack-max-per-core=0',
      '--conntrack-tcp-timeout-close-wait=0s',
      '--conntrack-tcp-timeout-established=0s',
      '--healthz-bind-address=127.0.0.1',
      '--hostname-override=server-0',
      '--kubeconfig=/var/lib/rancher/k3s/agent/kubeproxy.kubeconfig',
      '--proxy-mode=iptables',
    ]);
    assert.deepEqual(notes, [
      '--proxy-mode: iptables is treated as nftables, the only mode, with node ports on the node’s primary addresses',
    ]);
    assert.deepEqual(healthzBindAddress, { host: '127.0.0.1', port: 10256 });
    assert.equal(configuration['conntrack.maxPerCore'], 0);
    assert.equal(configuration['conntrack.tcpEstablishedTimeout'], '0s');
  });

  test('without effect are named, with the reason', () => {
    assert.deepEqual(parseArguments(['--profiling', '--kube-api-qps=5', '--ipvs-scheduler=rr']).notes, [
      '--profiling: no effect here: there is no Go profile of this program',
      '--ipvs-scheduler: no effect here: it is for ipvs mode',
    ]);
  });
});

suite('--feature-gates', () => {
  const gate = (...argv: readonly string[]) => parseArguments(argv).allowExternalIps;

  test('AllowServiceExternalIPs is honoured, on by default, the last one counts', () => {
    assert.equal(gate('--feature-gates=AllowServiceExternalIPs=false'), false);
    assert.equal(gate('--feature-gates=AllowServiceExternalIPs=true'), true);
    assert.equal(gate('--feature-gates=Other=false'), true);
    assert.equal(gate('--feature-gates', 'A=true, AllowServiceExternalIPs=F', '--feature-gates=B=false'), false);
    const { notes } = parseArguments(['--feature-gates=AllowServiceExternalIPs=false']);
    assert.deepEqual(notes, []);
  });

  test('ComponentStatusz and ComponentFlagz are honoured, on by default', () => {
    const zpages = (gates: string) => parseArguments([`--feature-gates=${gates}`]).zpages;
    assert.deepEqual(zpages(''), { statusz: true, flagz: true });
    assert.deepEqual(zpages('ComponentStatusz=false'), { statusz: false, flagz: true });
    assert.deepEqual(zpages('ComponentFlagz=false'), { statusz: true, flagz: false });
    assert.deepEqual(parseArguments(['--feature-gates=ComponentFlagz=false']).notes, []);
  });

  test('others are named in a note, with what was probably meant', () => {
    const { notes } = parseArguments(['--feature-gates=AllAlpha=true,AllowServiceExternalIP=false']);
    assert.deepEqual(notes, [
      '--feature-gates: no effect here: AllAlpha, AllowServiceExternalIP; ' +
        'gates that count: AllowServiceExternalIPs, ComponentStatusz, ComponentFlagz; did you mean AllowServiceExternalIPs?',
    ]);
  });

  test('is ignored beside --config, as by kube-proxy: the file counts', () => {
    const withGates = (gates: string) =>
      parseArguments(
        ['--config=FILE', '--feature-gates=AllowServiceExternalIPs=false'],
        parseConfiguration(
          `apiVersion: kubeproxy.config.k8s.io/v1alpha1\nkind: KubeProxyConfiguration\nfeatureGates: ${gates}\n`,
          'FILE',
        ),
      );
    const open = withGates('{}');
    assert.deepEqual([open.allowExternalIps, open.notes], [true, ['ignored because of --config: --feature-gates']]);
    for (const gates of ['{AllowServiceExternalIPs: false}', '{AllowServiceExternalIPs: off, Other: on}']) {
      assert.equal(withGates(gates).allowExternalIps, false, gates);
    }
  });
});

suite('--config', () => {
  const file = parseConfiguration(
    'apiVersion: kubeproxy.config.k8s.io/v1alpha1\nkind: KubeProxyConfiguration\nclusterCIDR: 10.0.0.0/8\n' +
      'hostnameOverride: from-file\nlogging: {verbosity: 1}\nipvs: {scheduler: rr}\nfuture: 1\n',
    'FILE',
  );
  const parse = (...flags: readonly string[]) => parseArguments(['--config=FILE', ...flags], file);

  test('counts instead of the flags, which are named in one line', () => {
    const { podCidrs, masqueradeAll, notes } = parse('--cluster-cidr=nonsense', '--masquerade-all', '--run-dir=/x');
    assert.deepEqual([[...podCidrs], masqueradeAll], [[['ip', '10.0.0.0/8']], false]);
    assert.deepEqual(notes, [
      'FILE:7: future: there is no such field',
      'ignored because of --config: --cluster-cidr, --masquerade-all',
      'FILE:6: ipvs.scheduler: no effect here: it is for ipvs mode',
    ]);
  });

  test('leaves the flags that count beside it', () => {
    const { nodeName, verbosity, master, manifests, runDir } = parse(
      ...['--hostname-override=Flag', '-v3', '--master=https://a', '--manifests=m', '--run-dir=/x', '--kubeconfig=k'],
    );
    assert.deepEqual([nodeName, verbosity, master, manifests, runDir], ['flag', 3, 'https://a', 'm', '/x']);
    assert.deepEqual([parse().nodeName, parse().verbosity], ['from-file', 1]);
  });

  test('is read by the commands that need it', () => {
    assert.deepEqual(
      COMMANDS.filter(({ readsConfiguration }) => readsConfiguration).map(({ name }) => name),
      [
        'run',
        'get services',
        'get endpoints',
        'trace',
        'dump',
        'diff',
        'check',
        'support',
        'config write',
        'init',
        'init-pod',
      ],
    );
  });

  test('the flags that count beside it are kube-proxy’s, and ours', () => {
    const beside = [...FLAGS.values()].filter(({ besideConfig, field }) => besideConfig && field !== undefined);
    assert.deepEqual(
      beside.map(({ name }) => name).filter((name) => !/^(v$|vmodule$|log)/.test(name)),
      ['hostname-override'],
    );
  });
});

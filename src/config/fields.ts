import {
  address,
  bindAddress,
  boolean,
  cidrs,
  type FieldType,
  flushFrequency,
  gates,
  integer,
  nodePortAddresses,
  number,
  oneOf,
  period,
  podNetworks,
  positivePeriod,
  quantity,
  text,
  textLike,
  texts,
  vmodule,
} from './field-types.ts';

/** A field of KubeProxyConfiguration (kubeproxy.config.k8s.io/v1alpha1), or one of ours in section kubeProxyNft. */
export interface Field<T> {
  readonly type: FieldType<T>;
  readonly default: T;
  /** The flag that sets it, without dashes. */
  readonly flag?: string;
  /** Why setting it changes nothing; absent for fields that are honoured. */
  readonly withoutEffect?: string;
  /**
   * True where kube-proxy tells zero from absent (a pointer in its type). Elsewhere zero ("", 0, false, "0s", []) in a
   * file stands for the default, as kubeadm writes it.
   */
  readonly zeroCounts?: boolean;
  /** True for what kube-proxy does not have. Only what differs from the default is written to a file. */
  readonly own?: true;
}

function field<T>(type: FieldType<T>, defaultValue: T, options: Omit<Field<T>, 'type' | 'default'> = {}): Field<T> {
  return { type, default: defaultValue, ...options };
}

const IPVS = 'it is for ipvs mode';
const WINDOWS = 'it is for Windows';
const OWN_PACE =
  'the first change is written at once, and kubeProxyNft.transactionInterval sets the pace of those that follow';
const NO_MARK = 'no packet mark is used';
const ONE_STREAM = 'the log goes to stderr, unbuffered';
const CLIENT = 'requests are few: one list and one watch for each kind of object';

const withoutEffect = (reason: string, flag?: string) => ({
  withoutEffect: reason,
  ...(flag !== undefined && { flag }),
});

/** Every field and its flag, in the order of the API type (Kubernetes v1.29 to v1.37). */
export const FIELDS = {
  featureGates: field(gates, {}, { flag: 'feature-gates' }),
  'clientConnection.kubeconfig': field(text, '', { flag: 'kubeconfig' }),
  'clientConnection.acceptContentTypes': field(text, '', withoutEffect('JSON is read')),
  'clientConnection.contentType': field(
    text,
    'application/vnd.kubernetes.protobuf',
    withoutEffect('JSON is read', 'kube-api-content-type'),
  ),
  'clientConnection.qps': field(number, 5, withoutEffect(CLIENT, 'kube-api-qps')),
  'clientConnection.burst': field(integer(), 10, withoutEffect(CLIENT, 'kube-api-burst')),
  'logging.format': field(oneOf(['', 'text', 'json']), 'text', { flag: 'logging-format' }),
  'logging.flushFrequency': field(flushFrequency, '5s', withoutEffect(ONE_STREAM, 'log-flush-frequency')),
  'logging.verbosity': field(integer(), 0, { flag: 'v' }),
  'logging.vmodule': field(vmodule, [], withoutEffect('the verbosity is the same everywhere', 'vmodule')),
  'logging.options.text.splitStream': field(boolean, false, withoutEffect(ONE_STREAM, 'log-text-split-stream')),
  'logging.options.text.infoBufferSize': field(quantity, '0', withoutEffect(ONE_STREAM, 'log-text-info-buffer-size')),
  'logging.options.json.splitStream': field(boolean, false, withoutEffect(ONE_STREAM, 'log-json-split-stream')),
  'logging.options.json.infoBufferSize': field(quantity, '0', withoutEffect(ONE_STREAM, 'log-json-info-buffer-size')),
  hostnameOverride: field(text, '', { flag: 'hostname-override' }),
  bindAddress: field(address, '0.0.0.0', { flag: 'bind-address' }),
  healthzBindAddress: field(bindAddress(10256), '0.0.0.0:10256', { flag: 'healthz-bind-address' }),
  metricsBindAddress: field(bindAddress(10249), '127.0.0.1:10249', { flag: 'metrics-bind-address' }),
  bindAddressHardFail: field(boolean, false, { flag: 'bind-address-hard-fail' }),
  enableProfiling: field(boolean, false, withoutEffect('there is no Go profile of this program', 'profiling')),
  showHiddenMetricsForVersion: field(
    text,
    '',
    withoutEffect('no metrics are hidden', 'show-hidden-metrics-for-version'),
  ),
  mode: field(oneOf(['', 'nftables', 'iptables', 'ipvs']), '', { flag: 'proxy-mode' }),
  'iptables.masqueradeBit': field(integer(0, 31), 14, {
    ...withoutEffect(NO_MARK, 'iptables-masquerade-bit'),
    zeroCounts: true,
  }),
  'iptables.masqueradeAll': field(boolean, false),
  'iptables.localhostNodePorts': field(boolean, true, {
    ...withoutEffect('localhost among nodePortAddresses serves node ports on loopback', 'iptables-localhost-nodeports'),
    zeroCounts: true,
  }),
  'iptables.syncPeriod': field(positivePeriod, '30s', { flag: 'iptables-sync-period' }),
  'iptables.minSyncPeriod': field(period, '1s', withoutEffect(OWN_PACE, 'iptables-min-sync-period')),
  'ipvs.syncPeriod': field(positivePeriod, '30s', { flag: 'ipvs-sync-period' }),
  'ipvs.minSyncPeriod': field(period, '0s', withoutEffect(OWN_PACE, 'ipvs-min-sync-period')),
  'ipvs.scheduler': field(text, '', withoutEffect(IPVS, 'ipvs-scheduler')),
  'ipvs.excludeCIDRs': field(texts, [], withoutEffect(IPVS, 'ipvs-exclude-cidrs')),
  'ipvs.strictARP': field(boolean, false, withoutEffect(IPVS, 'ipvs-strict-arp')),
  'ipvs.tcpTimeout': field(period, '0s', withoutEffect(IPVS, 'ipvs-tcp-timeout')),
  'ipvs.tcpFinTimeout': field(period, '0s', withoutEffect(IPVS, 'ipvs-tcpfin-timeout')),
  'ipvs.udpTimeout': field(period, '0s', withoutEffect(IPVS, 'ipvs-udp-timeout')),
  'nftables.masqueradeBit': field(integer(0, 31), 14, { ...withoutEffect(NO_MARK), zeroCounts: true }),
  'nftables.masqueradeAll': field(boolean, false, { flag: 'masquerade-all' }),
  'nftables.syncPeriod': field(positivePeriod, '30s'),
  'nftables.minSyncPeriod': field(period, '1s', withoutEffect(OWN_PACE)),
  'kubeProxyNft.transactionInterval': field(period, '80ms', {
    flag: 'transaction-interval',
    zeroCounts: true,
    own: true,
  }),
  'kubeProxyNft.maxElementsPerService': field(integer(1), 300_000, { flag: 'max-elements-per-service', own: true }),
  'kubeProxyNft.maxElements': field(integer(), 0, { flag: 'max-elements', own: true }),
  'kubeProxyNft.protectAddresses': field(oneOf(['off', 'warn', 'enforce']), 'warn', {
    flag: 'protect-addresses',
    own: true,
  }),
  'kubeProxyNft.maxAffinityEndpoints': field(integer(), 256, {
    flag: 'max-affinity-endpoints',
    zeroCounts: true,
    own: true,
  }),
  'kubeProxyNft.skipUnreachableNodes': field(boolean, false, { flag: 'skip-unreachable-nodes', own: true }),
  'kubeProxyNft.readCiliumAnnotations': field(boolean, false, { flag: 'read-cilium-annotations', own: true }),
  'kubeProxyNft.stateMaxAge': field(period, '24h0m0s', { flag: 'state-max-age', zeroCounts: true, own: true }),
  'kubeProxyNft.noWatch': field(boolean, false, { flag: 'no-watch', own: true }),
  'kubeProxyNft.watchOthers': field(boolean, false, { flag: 'watch-others', own: true }),
  'kubeProxyNft.heartbeat': field(boolean, true, { flag: 'heartbeat', zeroCounts: true, own: true }),
  'kubeProxyNft.page': field(boolean, true, { flag: 'page', zeroCounts: true, own: true }),
  'kubeProxyNft.pageAddress': field(bindAddress(10247), '', { flag: 'page-address', own: true }),
  'kubeProxyNft.connectionMetrics': field(integer(0, 10_000), 0, { flag: 'connection-metrics', own: true }),
  'kubeProxyNft.connectionCounters': field(boolean, true, {
    flag: 'connection-counters',
    zeroCounts: true,
    own: true,
  }),
  'kubeProxyNft.resetGoneEndpoints': field(boolean, false, { flag: 'reset-gone-endpoints', own: true }),
  'kubeProxyNft.sourceRangesOnNodePorts': field(boolean, false, { flag: 'source-ranges-on-node-ports', own: true }),
  'kubeProxyNft.nodePortSourceRanges': field(cidrs, [], { flag: 'node-port-source-ranges', own: true }),
  'winkernel.networkName': field(text, '', withoutEffect(WINDOWS)),
  'winkernel.sourceVip': field(text, '', withoutEffect(WINDOWS)),
  'winkernel.enableDSR': field(boolean, false, withoutEffect(WINDOWS)),
  'winkernel.rootHnsEndpointName': field(text, '', withoutEffect(WINDOWS)),
  'winkernel.forwardHealthCheckVip': field(boolean, false, withoutEffect(WINDOWS)),
  detectLocalMode: field(oneOf(['', 'ClusterCIDR', 'NodeCIDR', 'BridgeInterface', 'InterfaceNamePrefix']), '', {
    flag: 'detect-local-mode',
  }),
  'detectLocal.bridgeInterface': field(text, '', { flag: 'pod-bridge-interface' }),
  'detectLocal.interfaceNamePrefix': field(text, '', { flag: 'pod-interface-name-prefix' }),
  clusterCIDR: field(podNetworks, '', { flag: 'cluster-cidr' }),
  nodePortAddresses: field(nodePortAddresses, [], { flag: 'nodeport-addresses' }),
  oomScoreAdj: field(integer(-1000, 1000), -999, { flag: 'oom-score-adj', zeroCounts: true }),
  'conntrack.maxPerCore': field(integer(), 32_768, { flag: 'conntrack-max-per-core', zeroCounts: true }),
  'conntrack.min': field(integer(), 131_072, { flag: 'conntrack-min', zeroCounts: true }),
  'conntrack.tcpEstablishedTimeout': field(period, '24h0m0s', {
    flag: 'conntrack-tcp-timeout-established',
    zeroCounts: true,
  }),
  'conntrack.tcpCloseWaitTimeout': field(period, '1h0m0s', {
    flag: 'conntrack-tcp-timeout-close-wait',
    zeroCounts: true,
  }),
  'conntrack.tcpBeLiberal': field(boolean, false, { flag: 'conntrack-tcp-be-liberal' }),
  'conntrack.udpTimeout': field(period, '0s', { flag: 'conntrack-udp-timeout' }),
  'conntrack.udpStreamTimeout': field(period, '0s', { flag: 'conntrack-udp-timeout-stream' }),
  configSyncPeriod: field(
    positivePeriod,
    '15m0s',
    withoutEffect('the watch brings every change, nothing is listed again', 'config-sync-period'),
  ),
  portRange: field(
    textLike(/^\d{1,5}([-+]\d{1,5})?$/, 'a range of ports such as 300-2000'),
    '',
    withoutEffect('nothing uses it, not even kube-proxy', 'proxy-port-range'),
  ),
  windowsRunAsService: field(boolean, false, withoutEffect(WINDOWS)),
} as const satisfies Readonly<Record<string, { readonly flag?: string }>>;

/** A field by its path: "conntrack.maxPerCore". */
export type FieldPath = keyof typeof FIELDS;

type ValueOf<F> = F extends Field<infer T> ? T : never;

/** A complete configuration: the value of each field, by its path. */
export type Configuration = { readonly [P in FieldPath]: ValueOf<(typeof FIELDS)[P]> };

/** The fields that a file or the flags set. */
export type GivenFields = { readonly [P in FieldPath]?: Configuration[P] };

/** All fields, as pairs, for what is done with each of them alike. */
export const FIELD_ENTRIES = Object.entries(FIELDS) as unknown as readonly (readonly [FieldPath, Field<unknown>])[];

/** True for the values that stand for "absent" in the API type. */
export function isZero(value: unknown): boolean {
  if (typeof value === 'object' && value !== null) return Object.keys(value).length === 0;
  return value === undefined || value === null || value === '' || value === 0 || value === false || value === '0s';
}

import { KINDS, type Kind, rawKey } from '../../objects/decode.ts';
import { fieldOf } from '../../objects/raw-field.ts';
import { didYouMean, suggest } from '../../suggest.ts';
import type { ManifestObject } from './parse.ts';

/** Something in a manifest that Kubernetes does not know. */
export interface Unknown {
  /** The kind, or the kind and the field. Each subject is reported once. */
  readonly subject: string;
  /** A line that names the object. */
  readonly text: string;
}

/** The maximum number of reports for a file. */
const MAX_TOLD = 20;

/** Characters shown of a name. */
const MAX_NAME = 60;

/** The groups of the kinds that we read, as the beginning of apiVersion: none ("v1"), or one of these. */
const OUR_GROUPS = ['', 'discovery.k8s.io', 'networking.k8s.io'];

/** The other kinds of these groups (Kubernetes 1.37, and what kubectl apply accepts), which are skipped silently. */
const OTHER_KINDS = [
  ...['Pod', 'PodTemplate', 'ReplicationController', 'Endpoints', 'Binding', 'Event', 'List', 'LimitRange'],
  ...['ResourceQuota', 'Namespace', 'Secret', 'ServiceAccount', 'PersistentVolume', 'PersistentVolumeClaim'],
  ...['ComponentStatus', 'SerializedReference', 'RangeAllocation', 'ConfigMap'],
  ...['Ingress', 'IngressClass', 'NetworkPolicy', 'IPAddress'],
];

/** The fields of an object, with the fields below each. true: what is below it is not checked. */
interface Fields {
  readonly [name: string]: true | Fields;
}

const any = (names: string): Fields => Object.fromEntries(names.split(' ').map((name) => [name, true]));

const METADATA = any(
  'name generateName namespace selfLink uid resourceVersion generation creationTimestamp deletionTimestamp ' +
    'deletionGracePeriodSeconds labels annotations ownerReferences finalizers clusterName managedFields',
);

const OBJECT = { apiVersion: true, kind: true, metadata: METADATA } as const;

/**
 * The fields in core/v1, discovery.k8s.io/v1 and networking.k8s.io/v1 of Kubernetes 1.37. Items of a list have the fields
 * given for the list.
 */
const FIELDS: Readonly<Record<Kind, Fields>> = {
  Service: {
    ...OBJECT,
    spec: {
      ...any('selector clusterIP clusterIPs type externalIPs sessionAffinity loadBalancerIP loadBalancerSourceRanges'),
      ...any('externalName externalTrafficPolicy healthCheckNodePort publishNotReadyAddresses topologyKeys ipFamily'),
      ...any('ipFamilies ipFamilyPolicy allocateLoadBalancerNodePorts loadBalancerClass internalTrafficPolicy'),
      trafficDistribution: true,
      ports: any('name protocol appProtocol port targetPort nodePort'),
      sessionAffinityConfig: { clientIP: any('timeoutSeconds') },
    },
    status: { conditions: true, loadBalancer: { ingress: any('ip hostname ipMode ports') } },
  },
  EndpointSlice: {
    ...OBJECT,
    addressType: true,
    ports: any('name protocol port appProtocol'),
    endpoints: {
      ...any('addresses hostname targetRef deprecatedTopology nodeName zone'),
      conditions: any('ready serving terminating'),
      hints: { forZones: any('name'), forNodes: any('name') },
    },
  },
  Node: {
    ...OBJECT,
    spec: {
      ...any('podCIDR podCIDRs providerID unschedulable configSource externalID podPreemptionPolicy'),
      taints: any('key value effect timeAdded'),
    },
    status: {
      ...any('capacity allocatable phase conditions daemonEndpoints nodeInfo images volumesInUse volumesAttached'),
      ...any('config runtimeHandlers features declaredFeatures'),
      addresses: any('type address'),
    },
  },
  ServiceCIDR: { ...OBJECT, spec: any('cidrs'), status: true },
};

/** False for an object whose apiVersion names a group without any of our kinds. */
export function isInOurGroups(raw: unknown): boolean {
  const apiVersion = fieldOf(raw, 'apiVersion');
  if (typeof apiVersion !== 'string') return true;
  const [group = '', version] = apiVersion.split('/');
  return OUR_GROUPS.includes(version === undefined ? '' : group);
}

/** The unknown kinds and fields in a manifest. Most are misspelt, and would otherwise be ignored silently. */
export function unknownIn(objects: readonly ManifestObject[]): readonly Unknown[] {
  const found = new Map<string, Unknown>();
  const tell = (subject: string, text: string) => {
    if (found.size < MAX_TOLD && !found.has(subject)) found.set(subject, { subject, text });
  };
  for (const { kind, raw } of objects) {
    if (!isInOurGroups(raw)) continue;
    const known = KINDS.find((name) => name === kind);
    if (known !== undefined) {
      const tellField = (path: string, advice: string) =>
        tell(
          `${known} ${path}`,
          `${known} ${rawKey(known, raw) ?? '(without a name)'}: there is no field ${path}: it is ignored${advice}`,
        );
      lookFor(FIELDS[known], raw, '', tellField);
    } else if (!OTHER_KINDS.includes(kind)) {
      tell(kind, `there is no kind ${JSON.stringify(shown(kind))}: it is ignored${didYouMean(kind, KINDS)}`);
    }
  }
  return [...found.values()];
}

function lookFor(fields: Fields, raw: unknown, at: string, tell: (path: string, advice: string) => void): void {
  if (typeof raw !== 'object' || raw === null) return;
  if (Array.isArray(raw)) {
    // Kubernetes has no lists in lists, and they could be nested thousands deep.
    for (const item of raw) if (!Array.isArray(item)) lookFor(fields, item, at, tell);
    return;
  }
  for (const [name, value] of Object.entries(raw)) {
    const below = Object.hasOwn(fields, name) ? fields[name] : undefined;
    if (below === undefined) {
      const meant = suggest(name, Object.keys(fields));
      tell(`${at}${shown(name)}`, meant === undefined ? '' : `; did you mean ${at}${meant}?`);
    } else if (below !== true) lookFor(below, value, `${at}${name}.`, tell);
  }
}

function shown(name: string): string {
  return name.length <= MAX_NAME ? name : `${name.slice(0, MAX_NAME)}...`;
}

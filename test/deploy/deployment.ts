import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadAll } from 'js-yaml';
import * as v from 'valibot';

/** deploy/kubernetes: what `kubectl apply -k` is given. */
export const DEPLOYMENT = join(import.meta.dirname, '..', '..', 'deploy', 'kubernetes');

export const readDeployed = (file: string): string => readFileSync(join(DEPLOYMENT, file), 'utf8');

const Strings = v.array(v.string());
const Named = v.looseObject({ name: v.string() });

const SecurityContext = v.strictObject({
  privileged: v.optional(v.literal(true)),
  runAsUser: v.optional(v.number()),
  runAsGroup: v.optional(v.number()),
  runAsNonRoot: v.optional(v.literal(true)),
  capabilities: v.optional(v.strictObject({ drop: Strings, add: Strings })),
  allowPrivilegeEscalation: v.optional(v.boolean()),
  readOnlyRootFilesystem: v.optional(v.boolean()),
  seLinuxOptions: v.optional(v.strictObject({ type: v.string() })),
});
export type SecurityContext = v.InferOutput<typeof SecurityContext>;

const Probe = v.object({ httpGet: v.strictObject({ host: v.string(), port: v.number(), path: v.string() }) });

const Container = v.looseObject({
  name: v.string(),
  image: v.string(),
  command: v.optional(Strings),
  args: v.optional(Strings, []),
  ports: v.optional(v.array(v.strictObject({ name: v.string(), containerPort: v.number(), protocol: v.string() }))),
  securityContext: SecurityContext,
  resources: v.strictObject({ requests: v.strictObject({ cpu: v.string(), memory: v.string() }) }),
  livenessProbe: v.optional(Probe),
  readinessProbe: v.optional(Probe),
  volumeMounts: v.array(
    v.strictObject({ name: v.string(), mountPath: v.string(), readOnly: v.optional(v.boolean(), false) }),
  ),
});
export type Container = v.InferOutput<typeof Container>;

const Affinity = v.strictObject({
  nodeAffinity: v.strictObject({
    requiredDuringSchedulingIgnoredDuringExecution: v.strictObject({
      nodeSelectorTerms: v.tuple([
        v.strictObject({
          matchExpressions: v.array(v.strictObject({ key: v.string(), operator: v.string(), values: Strings })),
        }),
      ]),
    }),
  }),
});

const PodSpec = v.looseObject({
  serviceAccountName: v.string(),
  affinity: Affinity,
  nodeSelector: v.record(v.string(), v.string()),
  initContainers: v.array(Container),
  containers: v.tuple([Container]),
  volumes: v.array(
    v.strictObject({
      name: v.string(),
      configMap: v.optional(Named),
      hostPath: v.optional(v.strictObject({ path: v.string(), type: v.string() })),
      emptyDir: v.optional(v.looseObject({})),
    }),
  ),
});

const Labelled = v.looseObject({ labels: v.record(v.string(), v.string()) });

const DaemonSet = v.looseObject({
  kind: v.literal('DaemonSet'),
  metadata: v.looseObject({ name: v.string(), namespace: v.string() }),
  spec: v.looseObject({
    selector: v.strictObject({ matchLabels: v.record(v.string(), v.string()) }),
    template: v.strictObject({ metadata: Labelled, spec: PodSpec }),
  }),
});

const Rule = v.strictObject({ apiGroups: Strings, resources: Strings, verbs: Strings });
export type Rule = v.InferOutput<typeof Rule>;

const Rbac = v.tuple([
  v.looseObject({ kind: v.literal('ServiceAccount'), metadata: Named }),
  v.looseObject({ kind: v.literal('ClusterRole'), metadata: Named, rules: v.array(Rule) }),
  v.looseObject({
    kind: v.literal('ClusterRoleBinding'),
    roleRef: v.looseObject({ kind: v.literal('ClusterRole'), name: v.string() }),
    subjects: v.tuple([v.strictObject({ kind: v.literal('ServiceAccount'), name: v.string(), namespace: v.string() })]),
  }),
]);

const Kustomization = v.strictObject({
  apiVersion: v.literal('kustomize.config.k8s.io/v1beta1'),
  kind: v.literal('Kustomization'),
  namespace: v.optional(v.literal('kube-system')),
  resources: Strings,
  configMapGenerator: v.optional(
    v.tuple([v.strictObject({ name: v.string(), files: Strings, options: v.optional(v.looseObject({})) })]),
  ),
  patches: v.optional(v.tuple([v.strictObject({ patch: v.string() })])),
  images: v.optional(v.tuple([v.strictObject({ name: v.string(), newName: v.string(), newTag: v.string() })])),
});

export const readDaemonSet = () => v.parse(v.tuple([DaemonSet]), loadAll(readDeployed('daemonset/daemonset.yaml')))[0];
export const readRbac = () => v.parse(Rbac, loadAll(readDeployed('rbac.yaml')));
/** `folder`: "." or one below deploy/kubernetes. */
export const readKustomization = (folder: string) =>
  v.parse(v.tuple([Kustomization]), loadAll(readDeployed(join(folder, 'kustomization.yaml'))))[0];

/** What kubelet makes of a container's args: $(NODE_NAME) is the node's name. */
export function argsOf({ args }: Container, nodeName: string): readonly string[] {
  return args.map((arg) => arg.replaceAll('$(NODE_NAME)', nodeName));
}

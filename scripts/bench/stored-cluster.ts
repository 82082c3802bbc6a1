import type { RawObject } from '../../test/doubles/api-server-store.ts';
import { rawService, rawSlice } from './raw-cluster.ts';
import { type ClusterSize, clusterIp, podAddresses, serviceKey } from './synthetic-cluster.ts';

/** A key of etcd and the object to be stored there. */
export interface Stored {
  readonly key: string;
  readonly object: object;
}

/** Objects of the first Service as the API server has them. */
export interface Examples {
  readonly service: RawObject;
  readonly slice: RawObject;
  /** The IPAddress that the API server keeps for each ClusterIP. */
  readonly address: RawObject;
}

/** All Services but the first one, with their slices and addresses. */
export function* storedCluster(size: ClusterSize, { service, slice, address }: Examples): Generator<Stored> {
  for (let n = 1; n < size.services; n++) {
    const [namespace, name] = serviceKey(n).split('/');
    const { metadata, spec } = rawService(n);
    const { clusterIP, clusterIPs, selector } = spec as Spec;
    const { metadata: sliceMetadata, endpoints } = rawSlice(n, podAddresses(n, size));
    yield {
      key: `/registry/ipaddresses/${clusterIp(n)}`,
      object: like(address, { name: clusterIp(n), uid: crypto.randomUUID() }, ({ parentRef }) => ({
        parentRef: { ...(parentRef as Spec), namespace, name },
      })),
    };
    yield {
      key: `/registry/services/specs/${serviceKey(n)}`,
      object: like(service, metadata, (common) => ({ ...common, clusterIP, clusterIPs, selector })),
    };
    yield {
      key: `/registry/endpointslices/${namespace}/${sliceMetadata.name}`,
      object: { ...like(slice, sliceMetadata), endpoints },
    };
  }
}

type Spec = Readonly<Record<string, unknown>>;

/** The example with another one's identity and labels, and another spec, if it has one. */
function like(
  example: RawObject,
  { name, namespace, labels, uid }: RawObject['metadata'],
  specOf?: (spec: Spec) => object,
): object {
  const { resourceVersion: _version, ...metadata } = example.metadata;
  return {
    ...example,
    metadata: { ...metadata, name, namespace, uid, ...(labels && { labels }) },
    ...(specOf && { spec: specOf(example['spec'] as Spec) }),
  };
}

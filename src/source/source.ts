import type { Kind, KubeObject } from '../objects/decode.ts';

/**
 * What a source tells its listener. Objects arrive slimmed and checked. An object that is invalid is not
 * passed on: the source warns once, naming object and field, and the last valid version stays in force.
 */
export interface SourceListener {
  /**
   * An object was added, or replaces the one with the same kind and key. `isListed`: a list of an API server has it so; it
   * was not told of as a change by itself.
   */
  changed(object: KubeObject, isListed?: boolean): void;
  /**
   * The object is gone. `key` is "namespace/name", or "name" for a Node or a ServiceCIDR. `isListed`: it is missing in a
   * list of an API server.
   */
  deleted(kind: Kind, key: string, isListed?: boolean): void;
  /**
   * Once: every kind has been listed; what was passed on is the whole cluster. Nothing is written before. Only ServiceCIDRs
   * may be missing, where an API server does not give them: they are passed on once it does.
   */
  synced(): void;
}

/** Where Services, EndpointSlices, this node's Node (and others, if asked for) and ServiceCIDRs come from. */
export interface Source {
  /** For logs and the dump: "manifests in /etc/…", "API server https://…". */
  readonly description: string;
  /** Looks at what is given, if that needs nobody else; run goes on from there. Rejects with a ProxyError if it is no good. */
  prepare(): Promise<void>;
  /**
   * Feeds the listener until the signal aborts, then resolves. Faults that may pass are logged and retried
   * inside; it rejects with a ProxyError only where going on makes no sense (at start: a malformed kubeconfig or manifest).
   */
  run(listener: SourceListener, signal: AbortSignal): Promise<void>;
}

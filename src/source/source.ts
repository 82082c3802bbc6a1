import type { Kind, KubeObject } from '../objects/decode.ts';

/**
 * What a source tells its listener. Objects are slimmed and checked. An invalid object is not passed on: the source warns
 * once, with the object and the field, and the last valid version stays in force.
 */
export interface SourceListener {
  /**
   * An object was added, or replaces the one with the same kind and key. `isListed`: it comes from a list of an API server,
   * not from a change event.
   */
  changed(object: KubeObject, isListed?: boolean): void;
  /**
   * The object is gone. `key` is "namespace/name", or "name" for a Node or a ServiceCIDR. `isListed`: it was missing in a
   * list of an API server.
   */
  deleted(kind: Kind, key: string, isListed?: boolean): void;
  /**
   * Called once: every kind has been listed, and what was passed on is the whole cluster. Nothing is written before. Only
   * ServiceCIDRs may be missing, if an API server does not let us read them; they are passed on once it does.
   */
  synced(): void;
}

/** Where Services, EndpointSlices, this node's Node (and others, if requested) and ServiceCIDRs come from. */
export interface Source {
  /** For logs and the dump: "manifests in /etc/…", "API server https://…". */
  readonly description: string;
  /**
   * Checks the options as far as that needs no other program; run continues from there. Rejects with a ProxyError if they
   * are wrong.
   */
  prepare(): Promise<void>;
  /**
   * Feeds the listener until the signal aborts, then resolves. Temporary failures are logged and retried. It rejects with a
   * ProxyError only if continuing makes no sense (at startup: a malformed kubeconfig or manifest).
   */
  run(listener: SourceListener, signal: AbortSignal): Promise<void>;
}

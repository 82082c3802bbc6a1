import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Family } from '../../src/ip.ts';
import { createNft, type Nft } from '../../src/nft/nft.ts';
import {
  addNamespace,
  type ExecResult,
  inNamespace,
  NAMESPACE_PREFIX,
  removeNamespace,
  removeStaleNamespaces,
  requireRoot,
  runSync,
} from './namespaces.ts';

let kernelsMade = 0;

/** Plays `nft -j -i`: what the script does with a document or a listing, the session says, or dies of. */
const SESSION_BY_DOCUMENT = `if [ "$2" = -i ]; then
  while IFS= read -r line; do
    case $line in
      '{"nftables":[]}'*) ;;
      'list '*) "$0" -j $line; [ $? -lt 128 ] || kill -KILL $$ ;;
      '{'* | 'table '*) printf '%s\\n' "$line" > "$0.line"; "$0" -j -f "$0.line"; [ $? -lt 128 ] || kill -KILL $$ ;;
      *) printf 'Error: syntax error\\n%s\\n      ^\\n' "$line" >&2 ;;
    esac
  done
  exit
fi`;

/** An empty network namespace to load rulesets into; no packets. Dispose of it when done. Throws without root. */
export class TestKernel {
  readonly namespace: string;
  readonly directory: string;

  constructor() {
    requireRoot();
    if (kernelsMade === 0) removeStaleNamespaces();
    kernelsMade += 1;
    this.namespace = `${NAMESPACE_PREFIX}${process.pid}-kernel-${kernelsMade}`;
    this.directory = mkdtempSync(join(tmpdir(), 'kpn-kernel-'));
    addNamespace(this.namespace);
  }

  /** See nftIn. A session meets the faults, too: here it gives each of its documents to a process of its own. */
  nft(family: Family, script = '', runDir = this.directory): Nft {
    const faults = script === '' ? '' : `${SESSION_BY_DOCUMENT}\n${script}`;
    return nftIn(this.namespace, this.directory, family, faults, runDir);
  }

  /** Runs nft in the namespace by hand, as someone else on the node would. */
  byHand(...args: readonly string[]): ExecResult {
    return runSync(inNamespace(this.namespace, ['nft', ...args]));
  }

  /** Ids of the processes in the namespace. */
  processes(): readonly number[] {
    return runSync(['ip', 'netns', 'pids', this.namespace]).stdout.split('\n').filter(Boolean).map(Number);
  }

  /** Loads an nft script given as text. */
  load(text: string): void {
    runSync(inNamespace(this.namespace, ['nft', '-f', '-']), { input: text });
  }

  /** A table of this namespace, normalised. */
  listing(family: Family, table: string): string {
    return TestKernel.normalise(this.byHand('-j', 'list', 'table', family, table).stdout);
  }

  /** What `nft -j list` prints, without handles, order and what was counted: equal texts mean equal rulesets. */
  static normalise(json: string): string {
    const objects: readonly Record<string, unknown>[] = JSON.parse(json).nftables;
    const kept = objects.filter((object) => !('metainfo' in object));
    // Rules keep their order within a chain, all else has none.
    const [rules, others] = [kept.filter((object) => 'rule' in object), kept.filter((object) => !('rule' in object))];
    const text = (object: unknown) => JSON.stringify(object, withoutHandle);
    return [...others.map(text).sort(), ...rules.map(text).sort(byChain)].join('\n');
  }

  [Symbol.dispose](): void {
    removeNamespace(this.namespace);
    rmSync(this.directory, { recursive: true, force: true });
  }
}

/**
 * An Nft whose commands work in a namespace; its files go to `directory`. `script`: a shell fragment that runs before
 * nft and may end the command itself, to play faults; "$@" are nft's arguments. `runDir`: its run directory, if another.
 */
export function nftIn(namespace: string, directory: string, family: Family, script = '', runDir = directory): Nft {
  const path = join(directory, `nft-${family}-${Math.random().toString(36).slice(2)}`);
  writeFileSync(path, `#!/bin/sh\n${script}\nexec ip netns exec ${namespace} nft "$@"\n`, { mode: 0o700 });
  return createNft(runDir, family, path);
}

/** A stable sort by chain alone: the order of rules within one is part of the ruleset. */
function byChain(a: string, b: string): number {
  const chain = (rule: string) => /"chain":"([^"]+)"/.exec(rule)?.[1] ?? '';
  return chain(a) < chain(b) ? -1 : Number(chain(a) > chain(b));
}

/** Handles number a table's objects in the order they came; elements have no order of their own. Traffic counts elsewhere. */
function withoutHandle(key: string, value: unknown): unknown {
  if (key === 'handle') return undefined;
  if (key === 'counter') return null;
  return key === 'elem' && Array.isArray(value)
    ? value.map((item) => JSON.stringify(item, withoutHandle)).sort()
    : value;
}

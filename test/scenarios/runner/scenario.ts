import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { CLUSTER_CIDR } from '../../netns/topology.ts';
import type { ExpectationLine } from './expectation.ts';
import { node, type Objects, type RawObject } from './objects.ts';
import { Stage } from './stage.ts';

/** What changes, and what is true then. */
interface Step {
  /** Says what happens. */
  readonly when: string;
  /** Eighths of a slow start of an hour that pass before. */
  readonly passes?: number;
  /** The proxy ends before, and another one finds its rules. */
  readonly restart?: true;
  /** Objects that come, or take the place of those with their kind and name. */
  readonly objects?: Objects;
  /** "Kind/name" of objects that go. */
  readonly without?: readonly string[];
  readonly expect: readonly ExpectationLine[];
}

/** One behaviour: a cluster, what becomes of connections in it, and what changes then. */
export interface Scenario {
  readonly title: string;
  /** kube-proxy's command line. Default: CLUSTER_CIDRS. */
  readonly flags: readonly string[];
  readonly objects: Objects;
  readonly expect: readonly ExpectationLine[];
  readonly next: readonly Step[];
}

/** The pod networks of both nodes. */
export const CLUSTER_CIDRS: readonly string[] = ['--cluster-cidr', `${CLUSTER_CIDR.ip4},${CLUSTER_CIDR.ip6}`];

/** A scenario; without a Node of its own it has this node, with its first address. */
export function scenario(
  title: string,
  parts: Pick<Scenario, 'objects' | 'expect'> & Partial<Pick<Scenario, 'flags' | 'next'>>,
): Scenario {
  return { title, flags: CLUSTER_CIDRS, next: [], ...parts };
}

/**
 * Tests of scenarios, one after another through one node, which goes from each to the next by changes of its objects, and
 * begins anew where they need other flags. The tracer and the kernel must both see what is expected.
 */
export function describeScenarios(subject: string, scenarios: readonly Scenario[]): void {
  describe(subject, () => {
    let stage: Stage;

    before(async () => {
      stage = await Stage.create();
    });

    after(() => stage.remove());

    for (const { title, flags, objects, expect, next } of scenarios) {
      it(title, async () => {
        let pipeline = await stage.pipeline(flags);
        await pipeline.replaceAll(withNode(objects.flat()));
        await check(stage, 'at first', expect);
        for (const { when, passes, restart, objects: changed = [], without, expect: then } of next) {
          if (passes !== undefined) await stage.pass(passes);
          if (restart) pipeline = await stage.restart();
          await pipeline.change(changed.flat(), without);
          await check(stage, when, then);
        }
      });
    }
  });
}

async function check(stage: Stage, when: string, lines: readonly ExpectationLine[]): Promise<void> {
  assert.ok(lines.length > 0, `${when}: nothing is expected`);
  const found = await stage.disagreements(lines);
  if (found.length > 0) assert.fail(`${when}, expected -- seen:\n${found.join('\n')}\n`);
}

function withNode(objects: readonly RawObject[]): readonly RawObject[] {
  return objects.some(({ kind }) => kind === 'Node') ? objects : [node(), ...objects];
}

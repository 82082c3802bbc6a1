import process from 'node:process';
import type { TestContext } from 'node:test';
import { addNamespace, inNamespace, NAMESPACE_PREFIX, removeNamespace, requireRoot } from '../netns/namespaces.ts';

let made = 0;

/**
 * Makes an empty network namespace that goes with the test, with whatever still runs in it. `command` before an
 * argument vector runs that inside, in place: the process id stays the program's own.
 */
export function withNamespace(context: TestContext): { readonly name: string; readonly command: readonly string[] } {
  requireRoot();
  const name = `${NAMESPACE_PREFIX}${process.pid}-unit-${made++}`;
  addNamespace(name);
  context.after(() => removeNamespace(name));
  return { name, command: inNamespace(name, []) };
}

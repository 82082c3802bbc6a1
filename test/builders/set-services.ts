import type { Ruleset } from '../../src/ruleset/ruleset.ts';
import { type Frontend, frontendKey } from '../../src/service/frontend.ts';
import { atOnce } from '../../src/service/steps.ts';

/** What each Service of a ruleset was given. */
const given = new WeakMap<Ruleset, Map<string, readonly string[]>>();

/** Sets the frontends of some Services (name → frontends), each as it should be at once; none removes the Service. */
export function setServices(ruleset: Ruleset, services: Iterable<readonly [string, readonly Frontend[]]>): void {
  const known = given.get(ruleset) ?? new Map<string, readonly string[]>();
  given.set(ruleset, known);
  const changes = new Map<string, Frontend | undefined>();
  const all = [...services];
  for (const [name] of all) for (const key of known.get(name) ?? []) changes.set(key, undefined);
  for (const [name, frontends] of all) {
    for (const frontend of frontends) changes.set(frontendKey(frontend), frontend);
    known.set(name, frontends.map(frontendKey));
  }
  for (const [key, frontend] of changes) atOnce(ruleset.setFrontend(key, frontend));
}

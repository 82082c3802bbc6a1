import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseManifest } from '../../src/source/manifests/parse.ts';

/** docs/beyond-kube-proxy.md. */
export const PAGE = readFileSync(join(import.meta.dirname, '../../docs/beyond-kube-proxy.md'), 'utf8');

/** An object of an example, as written there; it may lack what an API server adds. */
export interface ExampleObject {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly spec?: object;
}

/** A code block of the page: YAML, or a command with its output. */
export interface Fence {
  readonly section: string;
  readonly text: string;
}

const SECTIONS = PAGE.split('\n## ').slice(1);

const titleOf = (section: string) => section.slice(0, section.indexOf('\n'));

const fencesOf = (pattern: RegExp): readonly Fence[] =>
  SECTIONS.flatMap((section) =>
    [...section.matchAll(pattern)].map(([, text = '']) => ({ section: titleOf(section), text })),
  );

const YAML = fencesOf(/^```yaml\n(.*?)^```$/gms);
const COMMANDS = fencesOf(/\n\n((?: {4}.*\n)+)/g);

/** How many code blocks there are, of any kind: each must be among those that can be read here. */
const count = PAGE.split(/^```/m).length - 1;
assert.equal(count, 2 * YAML.length, 'a code block that is no YAML, or has no end');

/** All code blocks that nobody has read. */
export const unread = new Set<Fence>([...YAML, ...COMMANDS]);

function take(fences: readonly Fence[], section: string): string {
  const [fence, ...more] = fences.filter((one) => one.section === section);
  assert.ok(fence !== undefined && more.length === 0, `${section}: one example is expected`);
  unread.delete(fence);
  return fence.text;
}

/** The objects of the example in a section. */
export function exampleOf(section: string): readonly ExampleObject[] {
  return parseManifest(take(YAML, section), section).map(({ raw }) => raw as ExampleObject);
}

/** The command in a section, and the lines that it prints. */
export function commandOf(section: string): readonly [command: string, ...output: string[]] {
  const [command = '', ...output] = take(COMMANDS, section)
    .trimEnd()
    .split('\n')
    .map((line) => line.slice(4));
  return [command, ...output];
}

/** The text of a section. */
export function sectionOf(title: string): string {
  return SECTIONS.find((section) => titleOf(section) === title) ?? assert.fail(title);
}

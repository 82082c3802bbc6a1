import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { OutputFile } from '../../src/host/output-file.ts';
import { runProcess } from '../../src/host/process.ts';
import { runSync } from '../netns/namespaces.ts';

const directory = mkdtempSync(join(tmpdir(), 'kpn-output-'));
after(() => rmSync(directory, { recursive: true }));

/** What a shell script prints, in pieces. */
async function printed(script: string, options: { outputIn: string; maxOutput?: number }): Promise<readonly string[]> {
  const pieces: string[] = [];
  const onOutput = (piece: Buffer) => {
    pieces.push(piece.toString());
    return undefined;
  };
  await runProcess(['sh', '-c', script], { timeLimit: 60, onOutput, ...options });
  return pieces;
}

describe('what a process prints to a file', () => {
  it('is read while it prints, to its end, and leaves no file', async () => {
    const go = join(directory, 'go');
    const pieces: string[] = [];
    const onOutput = (piece: Buffer) => {
      pieces.push(piece.toString());
      // It ends only if the first line is seen before that.
      mkdirSync(go, { recursive: true });
      return undefined;
    };
    const script = `echo first; until [ -d ${go} ]; do sleep 0.01; done; seq 100000`;
    await runProcess(['sh', '-c', script], { timeLimit: 60, onOutput, outputIn: directory });
    rmSync(go, { recursive: true });
    assert.equal(pieces[0], 'first\n');
    const numbers = Array.from({ length: 100_000 }, (_, i) => `${i + 1}\n`).join('');
    assert.equal(pieces.slice(1).join(''), numbers);
    assert.deepEqual(readdirSync(directory), []);
  });

  it('is bounded', async () => {
    await assert.rejects(printed('exec head -c 300000000 /dev/zero', { outputIn: directory, maxOutput: 1_000_000 }), {
      message: 'printed more than 1000000 bytes and was killed',
    });
  });

  it('goes through a pipe where the folder is gone, or has no room', async () => {
    const small = join(directory, 'small');
    mkdirSync(small);
    runSync(['mount', '-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', small]);
    try {
      for (const outputIn of [join(directory, 'gone'), small]) {
        assert.equal(OutputFile.open(outputIn), undefined);
        assert.equal((await printed('seq 300000', { outputIn })).join('').split('\n').length, 300_001);
      }
    } finally {
      runSync(['umount', small]);
    }
  });
});

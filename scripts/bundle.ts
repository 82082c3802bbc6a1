import { writeFile } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { build, type Metafile, type Plugin } from 'esbuild';
import { buildPage, pageConstants } from './page.ts';
import { PLACEHOLDER, sourceLines } from './source-lines.ts';

const ROOT = join(import.meta.dirname, '..');

const CLIENT_NODE = `${sep}@kubernetes${sep}client-node${sep}dist${sep}`;

/**
 * What client-node's KubeConfig imports for `makeApiClient` and for its own HTTP client, neither of which we call: its
 * classes for every Kubernetes resource, and a second copy of undici. Two thirds of the bundle, all of it run at start.
 */
const LEFT_OUT: ReadonlyMap<string, readonly string[]> = new Map([
  ['undici', ['Agent', 'ProxyAgent']],
  ['./gen/index.js', ['createConfiguration', 'ServerConfiguration']],
  ['./middleware.js', ['setHeaderMiddleware']],
]);

/** Puts functions that throw in their place; esbuild complains about a name that is imported and not here. */
const leaveOut: Plugin = {
  name: 'leave-out',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /./ }, ({ path, importer }) =>
      LEFT_OUT.has(path) && importer.includes(CLIENT_NODE) ? { path, namespace: 'left-out' } : null,
    );
    onLoad({ filter: /./, namespace: 'left-out' }, ({ path }) => ({
      contents: (LEFT_OUT.get(path) ?? [])
        .map((name) => `export function ${name}() { throw new Error('${name} of ${path} is not in this bundle'); }`)
        .join('\n'),
    }));
  },
};

/** What client-node imports for few clusters: a proxy before the API server, OpenID Connect, cloud providers' old plugins. */
const ON_FIRST_USE: ReadonlyMap<string, readonly string[]> = new Map([
  ['hpagent', ['HttpProxyAgent', 'HttpsProxyAgent']],
  ['jsonpath-plus', ['JSONPath']],
  ['openid-client', ['customFetch', 'discovery', 'refreshTokenGrant']],
  ['socks', ['SocksClient']],
  ['socks-proxy-agent', ['SocksProxyAgent']],
]);

/** They stay in the bundle, but are run when one of these exports of theirs is used. */
const runOnFirstUse: Plugin = {
  name: 'run-on-first-use',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /./ }, ({ path, importer, resolveDir }) =>
      ON_FIRST_USE.has(path) && importer.includes(CLIENT_NODE)
        ? { path, namespace: 'on-first-use', pluginData: resolveDir }
        : null,
    );
    onLoad({ filter: /./, namespace: 'on-first-use' }, ({ path, pluginData }) => {
      const names = ON_FIRST_USE.get(path) ?? [];
      const getters = names.map((name) => `get ${name}() { return require('${path}').${name}; },`);
      return { contents: `module.exports = {\n${getters.join('\n')}\n};`, resolveDir: pluginData };
    });
  },
};

/**
 * Bundles `entry` (TypeScript) and every package it imports into the one CommonJS file `output`, the only module
 * format a single executable application of Node 24 can start from; hence no top-level await in `entry`'s tree.
 * Not minified: the stack of an uncaught error shows a source line in the journal, which should stay readable.
 * `commit` becomes `BUILD_COMMIT` (src/version.ts), and the operator's page is put in (src/page/page-file.ts).
 * Returns what esbuild tells of the bundle and of the page in it, with paths from the checkout's root on.
 * Throws what esbuild throws; its warnings count as errors.
 */
export async function bundle(entry: string, output: string, commit: string): Promise<readonly Metafile[]> {
  const page = await buildPage();
  const { warnings, outputFiles, metafile } = await build({
    absWorkingDir: ROOT,
    entryPoints: [entry],
    outfile: output,
    bundle: true,
    platform: 'node',
    format: 'cjs',
    target: 'node24',
    define: {
      BUILD_COMMIT: JSON.stringify(commit),
      SOURCE_LINES: JSON.stringify(PLACEHOLDER),
      ...pageConstants(page),
    },
    // Not in the bundle: only which line is which.
    sourcemap: 'external',
    sourcesContent: false,
    plugins: [leaveOut, runOnFirstUse],
    logLevel: 'warning',
    metafile: true,
    write: false,
  });
  if (warnings.length > 0) throw new Error(`esbuild gave ${warnings.length} warnings, shown above`);
  const map = outputFiles.find(({ path }) => path.endsWith('.map'))?.text ?? '{}';
  for (const { path, text } of outputFiles.filter((file) => !file.path.endsWith('.map'))) {
    const lines = sourceLines(JSON.parse(map), text);
    await writeFile(path, inAscii(text.replaceAll(PLACEHOLDER, lines)));
  }
  return [metafile, page.metafile];
}

/**
 * One other character, and V8 holds the whole source with two bytes each. esbuild escapes them itself, but for comments
 * and regular expressions, where the escape means the same.
 */
function inAscii(text: string): string {
  return text.replace(/[\u0080-\uffff]/g, (character) => {
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
  });
}

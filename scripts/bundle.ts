import { join, sep } from 'node:path';
import { build, type Plugin } from 'esbuild';

/**
 * client-node imports its classes for every Kubernetes resource (`dist/gen`), of which we use none. They only define
 * things: marked so, esbuild drops those that nothing uses, half of the bundle and 7 MB of memory at run time.
 */
const dropUnusedClientNodeApis: Plugin = {
  name: 'drop-unused-client-node-apis',
  setup({ onResolve }) {
    const clientNode = `${sep}@kubernetes${sep}client-node${sep}dist${sep}`;
    onResolve({ filter: /^\.\.?\/.*\.js$/ }, ({ path, importer, resolveDir }) => {
      if (!importer.includes(clientNode)) return null;
      const file = join(resolveDir, path);
      return { path: file, sideEffects: !file.includes(`${clientNode}gen${sep}`) };
    });
  },
};

/**
 * Bundles `entry` (TypeScript) and every package it imports into the one CommonJS file `output`, the only module
 * format a single executable application of Node 24 can start from; hence no top-level await in `entry`'s tree.
 * Not minified: the stack of an uncaught error shows a source line in the journal, which should stay readable.
 * `commit` becomes `BUILD_COMMIT` (src/version.ts). Throws what esbuild throws; its warnings count as errors.
 */
export async function bundle(entry: string, output: string, commit: string): Promise<void> {
  const { warnings } = await build({
    entryPoints: [entry],
    outfile: output,
    bundle: true,
    platform: 'node',
    format: 'cjs',
    target: 'node24',
    define: { BUILD_COMMIT: JSON.stringify(commit) },
    plugins: [dropUnusedClientNodeApis],
    logLevel: 'warning',
  });
  if (warnings.length > 0) throw new Error(`esbuild gave ${warnings.length} warnings, shown above`);
}

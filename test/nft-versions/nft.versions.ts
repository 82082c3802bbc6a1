import { after, describe, it } from 'node:test';
import { dumpCommands } from '../../src/nft/json/dump-json.ts';
import { document } from '../../src/nft/json/transaction-json.ts';
import { rulesetFor } from '../builders/rulesets.ts';
import { allParts } from './all-parts.ts';
import { findVersions, readsTypeofInJson } from './nft-version.ts';
import { CHECKS } from './one-version.ts';
import { ResultTable } from './result-table.ts';
import { handOver, handOverHashes, readJsonDump, replace, swap } from './two-versions.ts';

const versions = findVersions();
const results = new ResultTable();
after(() => console.log(`\n${results}\n`));

for (const version of versions) {
  describe(`nft ${version.version}`, () => {
    for (const { title, run } of CHECKS) {
      it(title, () => results.record(title, version.version, () => run(version)));
    }
    for (const writer of versions) {
      const handing = `takes over tables of ${writer.version}, changes, removes them`;
      it(handing, () => results.record(handing, version.version, () => handOver(writer, version)));
      const hashing = `takes over hashes of clients of ${writer.version}, changes, lets go of them`;
      it(hashing, () => results.record(hashing, version.version, () => handOverHashes(writer, version)));
      const everything = `a table of ${writer.version} with all optional parts: lists, adopts, changes, removes them`;
      it(everything, () => results.record(everything, version.version, () => allParts(writer, version)));
      const replacing = `replaces a live table of ${writer.version}`;
      it(replacing, () => results.record(replacing, version.version, () => replace(writer, version)));
      const swapping = `takes the place of ${writer.version} under a running proxy`;
      it(swapping, () => results.record(swapping, version.version, () => swap(writer, version)));
    }
    for (const writer of versions.filter(readsTypeofInJson)) {
      const reading = `lists and deletes a JSON dump loaded by ${writer.version}`;
      const ruleset = rulesetFor([], { localPods: { by: 'pod-cidrs' }, connectionCounters: true });
      const json = document(dumpCommands(ruleset, 'kube-proxy-nft', true));
      it(reading, () => results.record(reading, version.version, () => readJsonDump(writer, version, json)));
    }
  });
}

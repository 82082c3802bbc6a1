import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { AFFINITY_SERVICES } from '../../src/service/affinity-endpoints.ts';
import { AffinityLists } from '../../src/sync/affinity-lists.ts';
import { Shortfalls } from '../../src/sync/shortfalls.ts';
import { frontend } from '../builders/frontends.ts';
import { recordingLog } from '../builders/recording-log.ts';

const LIMIT = 10;

/** Decides about Services of so many endpoints with session affinity; the older ones come first in the alphabet. */
function setUp() {
  const shortfalls = new Shortfalls({ log: recordingLog().log });
  const byHash = new Set<string>();
  let decidedFor = '';
  const lists = new AffinityLists('ip', {
    ...{ limit: LIMIT, shortfalls, createdAt: (service) => service },
    picksByClient: () => byHash.has(decidedFor),
  });
  const counts = new Map<string, number>();
  /** "list" or "hash". */
  const decide = (service: string, count = counts.get(service) ?? 0) => {
    counts.set(service, count);
    decidedFor = service;
    const endpoints = Array.from({ length: count }, (_, i) => i + 1);
    const [decided] = lists.decide(service, [frontend(endpoints, { affinitySeconds: 60 })]);
    if (decided?.affinityByHash) byHash.add(service);
    else byHash.delete(service);
    return byHash.has(service) ? 'hash' : 'list';
  };
  const settle = () => {
    for (const service of lists.shareOut()) decide(service);
  };
  return { decide, settle, shortfalls, isByHash: (service: string) => byHash.has(service) };
}

suite('a Service with session affinity', () => {
  test('has lists of clients up to the limit, and again below half of it', () => {
    const { decide, shortfalls } = setUp();
    assert.deepEqual(
      [10, 11, 10, 5, 4, 5, 10].map((count) => decide('a', count)),
      ['list', 'hash', 'hash', 'hash', 'list', 'list', 'list'],
    );
    decide('a', 11);
    assert.equal(shortfalls.count('affinity-by-hash'), 1);
    decide('a', 4);
    assert.equal(shortfalls.count('affinity-by-hash'), 0);
  });

  test('has them as soon as it fits in what older ones leave', () => {
    const { decide, settle, isByHash, shortfalls } = setUp();
    const older = Array.from({ length: AFFINITY_SERVICES - 1 }, (_, i) => `a${i}`);
    for (const service of older) decide(service, LIMIT);
    decide('b', 6);
    decide('c', 6);
    settle();
    assert.deepEqual([isByHash('b'), isByHash('c')], [false, true]);
    assert.equal(shortfalls.count('affinity-by-hash'), 1);
    assert.equal(decide('c', 4), 'list', 'it uses what is left to the last one');
    settle();
    assert.deepEqual([isByHash('b'), isByHash('c')], [false, false]);
    assert.equal(shortfalls.count('affinity-by-hash'), 0);
  });
});

import { after, afterEach, before, beforeEach } from 'node:test';
import { createWorld, type World } from '../netns/world.ts';
import { Daemon } from './daemon.ts';
import type { RawObject } from './manifests.ts';

/** What each test gets: a node without rules of ours, and a daemon that has its objects and is not started. */
export interface FreshDaemon {
  readonly world: World;
  readonly daemon: Daemon;
}

/** For a `describe`: one world for its tests, and a fresh daemon for each, which `take` is given. */
export function beforeEachFreshDaemon(objects: readonly RawObject[], take: (fresh: FreshDaemon) => void): void {
  let world: World;
  let daemon: Daemon;
  before(() => {
    world = createWorld();
  });
  beforeEach(() => {
    daemon = new Daemon(world);
    daemon.write(objects);
    take({ world, daemon });
  });
  afterEach(async () => {
    await daemon.stop('SIGKILL');
    daemon[Symbol.dispose]();
    world.nodeShell('nft flush ruleset');
  });
  after(() => world.remove());
}

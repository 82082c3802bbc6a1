import type { Found } from '../../src/migration/find.ts';
import { renderPlan } from '../../src/migration/plan.ts';

/** Nothing of kube-proxy. */
const NOTHING: Found = {
  live: { processes: [], answers: undefined, strangers: [], embedding: [] },
  tables: [],
  iptables: [],
  ipvs: { device: false, addresses: [], servers: [], foreign: 0, sets: [] },
  routeLocalnet: { isOn: false, isOfKubeProxy: false, setIn: [] },
  unreadable: [],
};

/** What `migrate` prints on a node whose kube-proxy runs. */
export function runningProxy(): string {
  const processes = [{ text: 'pid 7 (kube-proxy --v=2)', isRoots: true }];
  return renderPlan({ ...NOTHING, live: { ...NOTHING.live, processes } }, [], 'not running');
}

/** What `migrate` prints on a node whose kube-proxy has left a table. */
export function leftTable(): string {
  const what = 'table ip kube-proxy';
  const step = { what, byHand: `nft delete ${what}`, run: async () => {} };
  return renderPlan({ ...NOTHING, tables: ['ip'] }, [step], 'not running');
}

/** What `migrate` prints on a node without kube-proxy. */
export function noProxy(): string {
  return renderPlan(NOTHING, [], 'not running');
}

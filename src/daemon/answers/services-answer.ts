import type { ResetFlags } from '../../service/reset-option.ts';
import { nodePortClientsIn } from '../../status/node-port-clients.ts';
import { besideRules, type ServiceRow, serviceRow } from '../../status/service-rows.ts';
import type { Knowledge } from './knowledge.ts';

/** The number of Services for one answer. It is limited so that the daemon's other work does not wait. */
const PAGE = 500;

/** One page of the answer. */
export interface ServicesPage {
  readonly rows: readonly ServiceRow[];
  /** Where the next page begins; absent on the last page. */
  readonly next?: number;
  /** False while the daemon fills or repairs the kernel, or does not have the whole cluster yet. */
  readonly inForce?: boolean;
}

/**
 * A page of rows, as JSON: Services from index `from` on, filtered by namespace and name if these are given. `page`: the
 * maximum number of Services.
 */
export function renderServices(
  { models, cluster, inKernel }: Pick<Knowledge, 'models' | 'cluster' | 'inKernel'>,
  query: URLSearchParams,
  resets: ResetFlags,
  page = PAGE,
): string {
  const from = Number(query.get('from') ?? 0);
  const [namespace, name] = [query.get('namespace') ?? '', query.get('name') ?? ''];
  const rows: ServiceRow[] = [];
  const clients = models.map(({ model }) => nodePortClientsIn(model));
  const inForce = models.every((entry) => entry.inForce);
  let i = 0;
  let looked = 0;
  for (const key of cluster.serviceKeys()) {
    if (i++ < from) continue;
    if (looked === page) return JSON.stringify({ rows, next: i - 1, inForce } satisfies ServicesPage);
    const [itsNamespace, itsName] = key.split('/');
    if ((namespace !== '' && namespace !== itsNamespace) || (name !== '' && name !== itsName)) continue;
    looked++;
    const beside = besideRules(inKernel === undefined ? cluster.service(key) : undefined, resets);
    for (const [of, { model }] of models.entries()) {
      rows.push(...model.frontendsOf(key).map((frontend) => serviceRow(frontend, beside, clients[of])));
    }
  }
  return JSON.stringify({ rows, inForce } satisfies ServicesPage);
}

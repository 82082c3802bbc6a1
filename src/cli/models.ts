import { existsSync } from 'node:fs';
import { FAMILIES, type Family } from '../ip.ts';
import type { Log } from '../log.ts';
import { buildProgram, type Masquerade } from '../ruleset/program.ts';
import type { Cluster } from '../service/cluster.ts';
import { FamilyModel } from '../sync/family-model.ts';
import type { Arguments } from './arguments.ts';

/** Present if and only if the kernel has IPv6. */
const IPV6_SYSCTLS = '/proc/sys/net/ipv6';

/** The families this kernel can serve. */
export function supportedFamilies(log: Log): readonly Family[] {
  if (existsSync(IPV6_SYSCTLS)) return FAMILIES;
  log.warn('this kernel has no IPv6: only IPv4 Services are served');
  return ['ip'];
}

/** An empty model for each family. */
export function createModels(
  cluster: Cluster,
  families: readonly Family[],
  args: Arguments,
  log: Log,
): readonly FamilyModel[] {
  return families.map((family) => {
    const podCidr = args.podCidrs.get(family);
    const masquerade = masqueradeOf(args.masqueradeAll, podCidr);
    const podCidrs = podCidr === undefined ? [] : [podCidr];
    return new FamilyModel(cluster, { program: buildProgram(family, masquerade), podCidrs }, log);
  });
}

/** Without a pod network of the family nobody can be told to be outside of it: kube-proxy's no-op detector. */
function masqueradeOf(all: boolean, podCidr: string | undefined): Masquerade {
  if (all) return 'always';
  return podCidr === undefined ? 'never' : 'outside-pod-cidrs';
}

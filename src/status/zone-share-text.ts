import type { UnknownZones, ZoneShare } from '../service/zone-spill-over.ts';

/** "2 endpoints of this zone and 1 of 8 elsewhere (zone-spill-over 30%)", or why the annotation has no effect. */
export function zoneShareText(share: ZoneShare | UnknownZones): string {
  if ('unknown' in share) return `zone-spill-over ${share.percent}% has no effect: ${UNKNOWN[share.unknown]}`;
  const { percent, near, far, others } = share;
  const here = near === 0 ? 'no endpoint' : near === 1 ? '1 endpoint' : `${near} endpoints`;
  return `${here} of this zone and ${far} of ${others} elsewhere (zone-spill-over ${percent}%)`;
}

const UNKNOWN = {
  node: "this node's zone is not known (label topology.kubernetes.io/zone)",
  endpoints: 'none of its ready endpoints has a zone',
} as const;

import type { ZoneShare } from '../service/zone-spill-over.ts';

/** "2 endpoints of this zone and 1 of 8 elsewhere (zone-spill-over 30%)". */
export function zoneShareText({ percent, near, far, others }: ZoneShare): string {
  const here = near === 0 ? 'no endpoint' : near === 1 ? '1 endpoint' : `${near} endpoints`;
  return `${here} of this zone and ${far} of ${others} elsewhere (zone-spill-over ${percent}%)`;
}

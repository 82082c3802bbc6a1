import type { HostileCase } from '../case.ts';
import { API_SERVER } from './api-server.ts';
import { CHURN } from './churn.ts';
import { CLAIMS } from './claims.ts';
import { CONNECTIONS } from './connections.ts';
import { JUNK } from './junk.ts';
import { NODE_CASES } from './node.ts';
import { SIZES } from './sizes.ts';

/** Every attack that is tried. */
export const CASES: readonly HostileCase[] = [
  ...SIZES,
  ...CHURN,
  ...CLAIMS,
  ...JUNK,
  ...CONNECTIONS,
  ...NODE_CASES,
  ...API_SERVER,
];

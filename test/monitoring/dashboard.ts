import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as v from 'valibot';
import { DEPLOYMENT } from '../deploy/deployment.ts';

const Target = v.looseObject({
  expr: v.string(),
  refId: v.string(),
  datasource: v.strictObject({ type: v.literal('prometheus'), uid: v.literal('$' + '{datasource}') }),
});
const Panel = v.looseObject({
  id: v.number(),
  type: v.picklist(['row', 'stat', 'timeseries', 'table']),
  title: v.string(),
  description: v.optional(v.string()),
  gridPos: v.strictObject({ x: v.number(), y: v.number(), w: v.number(), h: v.number() }),
  targets: v.optional(v.array(Target), []),
});
const Dashboard = v.looseObject({
  uid: v.literal('kube-proxy-nft'),
  schemaVersion: v.number(),
  panels: v.array(Panel),
  templating: v.strictObject({
    list: v.array(v.looseObject({ name: v.string(), definition: v.optional(v.string()) })),
  }),
});

/** The dashboard for Grafana that we ship. */
export const readDashboard = () =>
  v.parse(Dashboard, JSON.parse(readFileSync(join(DEPLOYMENT, 'monitoring', 'dashboard.json'), 'utf8')));

export interface Query {
  /** The panel's. */
  readonly title: string;
  readonly expr: string;
}

/** Its queries, as they are in the file. */
export const readQueries = (): readonly Query[] =>
  readDashboard().panels.flatMap(({ title, targets }) => targets.map(({ expr }) => ({ title, expr })));

/** A query as Grafana sends it: with all clusters and nodes, and a range of its own choice. */
export const filledIn = (expr: string): string =>
  expr.replaceAll('$cluster', '.*').replaceAll('$node', 'node-a|node-b').replaceAll('$__rate_interval', '2m');

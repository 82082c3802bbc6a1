import type { Output } from '../config/output.ts';
import { print } from './print.ts';

/** Whether data is asked for as programs read it. */
export function isForPrograms(output: Output | undefined): boolean {
  return output === 'json' || output === 'yaml';
}

/** Prints one of several documents: as JSON in a line of its own, or as YAML behind a line of dashes. */
export async function printItem(item: object, output: Output | undefined): Promise<void> {
  if (output === 'yaml') print('---\n');
  await printData(`${JSON.stringify(item)}\n`, output);
}

/** Prints a JSON document as it is, or as YAML. */
export async function printData(json: string, output: Output | undefined): Promise<void> {
  // js-yaml is loaded on first use: few ask for it.
  print(output === 'yaml' ? (await import('../config/write.ts')).formatYaml(JSON.parse(json)) : json);
}

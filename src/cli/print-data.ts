import type { Output } from '../config/output.ts';
import { print } from './print.ts';

/** Whether the output is for programs. */
export function isForPrograms(output: Output | undefined): boolean {
  return output === 'json' || output === 'yaml';
}

/** Prints one of several documents: as one line of JSON, or as YAML after a line of dashes. */
export async function printItem(item: object, output: Output | undefined): Promise<void> {
  if (output === 'yaml') print('---\n');
  await printData(`${JSON.stringify(item)}\n`, output);
}

/** Prints a JSON document unchanged, or as YAML. */
export async function printData(json: string, output: Output | undefined): Promise<void> {
  // js-yaml is loaded on first use, because YAML output is rare.
  print(output === 'yaml' ? (await import('../config/write.ts')).formatYaml(JSON.parse(json)) : json);
}

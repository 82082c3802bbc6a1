/** With Node's --import: gives one module another text, that of a mutant. No file is changed. */
import { registerHooks } from 'node:module';
import process from 'node:process';

const { MUTANT_URL: mutated, MUTANT_TEXT: source } = process.env;

if (mutated !== undefined && source !== undefined) {
  registerHooks({
    load: (url, context, nextLoad) =>
      url === mutated ? { format: 'module-typescript', source, shortCircuit: true } : nextLoad(url, context),
  });
}

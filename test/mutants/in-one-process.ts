/** Runs the test files of its arguments in this process, one after the other: Node and the modules start once. */
import { resolve } from 'node:path';
import process from 'node:process';
import { pathToFileURL } from 'node:url';

for (const file of process.argv.slice(2)) await import(pathToFileURL(resolve(file)).href);

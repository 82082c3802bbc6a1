import { setFlagsFromString } from 'node:v8';

/**
 * Leaves V8's slowest compiler, Turbofan, out: code that runs often is compiled by Maglev, and stays so. What Turbofan
 * makes is faster, but a daemon that works for some milliseconds a second never gets back what making it took: 1,000
 * endpoint changes take a third less CPU time without it, a first fill of 10,000 Services a fifth. To be called before
 * there is work. Set here and not as an option of the executable, with which Node would reject its own code cache (V8 13.6).
 */
export function compileLess(): void {
  setFlagsFromString('--no-turbofan');
}

/**
 * From now on V8 lets the heap grow by small steps, and gives back within some ten seconds what a burst of work has left behind:
 * 40 of 110 MB after a first fill of 10,000 Services with 5 endpoints each. From the start on, it would cost that fill
 * 40 % more CPU time. V8 asks for this setting at every collection: browsers switch it while they run (V8 13.6).
 */
export function saveMemory(): void {
  setFlagsFromString('--memory-saver-mode');
}

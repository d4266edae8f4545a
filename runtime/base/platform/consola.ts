/** The core of consola, loaded when it is first asked for: whoever has nothing to say is not kept by it. */
import type { ConsolaInstance, ConsolaReporter } from 'consola/core';
import { fromPackage } from './at-first-use.ts';

/** One that hands everything to this reporter; its level is `info`. consola itself would drop what is repeated within a second: ours is said each time. */
export function createConsola(reporter: ConsolaReporter): ConsolaInstance {
  const core = fromPackage('consola/core') as typeof import('consola/core'); // the same module by its other format
  return core.createConsola({ reporters: [reporter], throttle: 0, throttleMin: Number.POSITIVE_INFINITY });
}

/** The core of consola, loaded at its first use: a process that prints nothing does not wait for it. */
import type { ConsolaInstance, ConsolaReporter } from 'consola/core';
import { fromPackage } from './at-first-use.ts';

/** A consola that hands everything to this reporter; its level is `info`. consola itself would drop repetitions within a second; this one prints each. */
export function createConsola(reporter: ConsolaReporter): ConsolaInstance {
  const core = fromPackage('consola/core') as typeof import('consola/core'); // the same module by its other format
  return core.createConsola({ reporters: [reporter], throttle: 0, throttleMin: Number.POSITIVE_INFINITY });
}

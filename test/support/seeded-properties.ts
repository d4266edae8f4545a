/** Runs before each file of tests: what fast-check draws follows from the seed of the run, where it has one. */
import fc from 'fast-check';

const { STATOR_CRASH_SEED: seed } = process.env;
if (seed !== undefined) fc.configureGlobal({ seed: Number(seed) });

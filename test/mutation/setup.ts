/** Property tests draw the same values in each run, and do not search for the smallest failing example, because a found mutant is enough. */
import fc from 'fast-check';

fc.configureGlobal({ seed: 1, endOnFailure: true });

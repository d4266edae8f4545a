/** Loads execa, which starts processes and waits for them. */
import { later } from './later.ts';

/** A hundred files, which whoever only reads the store needs none of. */
export const loadExeca = later(() => import('execa'));

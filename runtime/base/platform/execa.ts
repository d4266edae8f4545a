/** Loads execa, which starts processes and waits for them. */
import { later } from './later.ts';

/** A hundred files, which a process that only reads the store does not need. */
export const loadExeca = later(() => import('execa'));

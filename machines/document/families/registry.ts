/** The families that are read, the surest sign first: a document is of the first one that recognises it. */
import type { Family } from './family.ts';
import { tasks } from './tasks.ts';

export const families = [tasks] as const satisfies readonly Family[];

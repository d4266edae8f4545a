/** The families that are read, the surest sign first: a document is of the first one that recognises it. */
import { conductor } from './conductor.ts';
import type { Family } from './family.ts';
import { kiro } from './kiro.ts';
import { openSpec } from './openspec.ts';
import { ralph } from './ralph.ts';
import { specKit } from './spec-kit.ts';
import { taskMaster } from './task-master.ts';
import { tasks } from './tasks.ts';

export const families = [
  taskMaster,
  ralph,
  specKit,
  tasks,
  conductor,
  openSpec,
  kiro,
] as const satisfies readonly Family[];

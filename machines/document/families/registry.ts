/** The families that are read, the surest sign first: a document is of the first one that recognises it. */
import { backlog } from './backlog.ts';
import { bmad } from './bmad.ts';
import { conductor } from './conductor.ts';
import { cursor } from './cursor.ts';
import type { Family } from './family.ts';
import { gsd } from './gsd.ts';
import { kiro } from './kiro.ts';
import { lists } from './lists.ts';
import { openSpec } from './openspec.ts';
import { ralph } from './ralph.ts';
import { specKit } from './spec-kit.ts';
import { taskMaster } from './task-master.ts';
import { tasks } from './tasks.ts';

export const families = [
  taskMaster,
  ralph,
  gsd,
  cursor,
  backlog,
  bmad,
  specKit,
  tasks,
  conductor,
  openSpec,
  kiro,
  lists,
] as const satisfies readonly Family[];

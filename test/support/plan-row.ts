/** The row of a working plan. */
import { nothingRaised } from '../../machines/vocabulary/budget.ts';

export const workingSummary = {
  status: 'implementing',
  landing: null,
  accepts: [],
  phase: null,
  blocked: null,
  holds: false,
  paused: false,
  wave: 1,
  waves: 1,
  tasksDone: 0,
  tasks: 1,
  reviewCycle: 0,
  generation: 1,
  branch: 'plan/a',
  topic: null,
  host: null,
  title: 'P',
  budget: { document: null, raised: nothingRaised },
} as const;

/** The usage of agents, as far as their programs report it: tokens and money, summed over runs, tasks and plans. */

import { instanceTitle } from '../../../machines/vocabulary/ids.ts';
import { sumOfKnown } from '../../../machines/vocabulary/numbers.ts';
import type { TaskAgent } from '../../../machines/vocabulary/task-agent.ts';
import type { UsageRow } from '../../core/store/rows.ts';
import { whyFailed } from '../../work/agents/reports/informative-lines.ts';
import type { PlanShow } from '../contract/plans.ts';
import type { Usage } from '../contract/shared-shapes.ts';

/** null if no run reported anything. Reported usage is summed, and unreported usage is not guessed. */
export function sumOfUsage(parts: readonly Usage[]): Usage {
  return {
    runs: parts.reduce((sum, { runs }) => sum + runs, 0),
    input_tokens: sumOfKnown(parts.map((part) => part.input_tokens)),
    output_tokens: sumOfKnown(parts.map((part) => part.output_tokens)),
    cost_usd: sumOfKnown(parts.map((part) => part.cost_usd)),
  };
}

/** The usage of one agent over all attempts; zero runs if none has begun. */
export function usageOfTitle(rows: readonly UsageRow[], title: string): Usage {
  return sumOfUsage(rows.filter((row) => row.title === title));
}

type WaveEntry = PlanShow['tasks_by_wave'][number];
type TaskEntry = WaveEntry['tasks'][number];
interface Task
  extends Omit<TaskEntry, 'attempts' | 'usage' | 'why' | 'no_change' | 'waits_for_files' | 'agent' | 'agent_by'> {
  readonly detail: string;
  readonly noChange?: string;
  readonly filesOf: TaskEntry['waits_for_files'];
  readonly agent: TaskAgent | null;
}
interface Wave extends Omit<WaveEntry, 'tasks'> {
  readonly tasks: readonly Task[];
}

/**
 * The waves of a plan. Each task has its own agent's usage, and the last message of a failed agent. The one coder of a small plan works on all tasks: its
 * runs are attempts of each, and its usage is that of none.
 */
export function wavesShown(plan: string, waves: readonly Wave[], rows: readonly UsageRow[]): WaveEntry[] {
  const ofCoder = (wave: number | null, task: number | null) =>
    usageOfTitle(rows, instanceTitle({ plan, role: 'coder', wave, task, round: 0 }));
  const single = ofCoder(null, null);
  return waves.map((wave) => ({
    ...wave,
    tasks: wave.tasks.map(({ detail, noChange, filesOf, agent, ...task }) => {
      const usage = ofCoder(wave.number, task.number);
      // Its question is shown with the plan's questions.
      const hasFailed = task.reason !== null && task.reason !== 'needs_decision';
      const why = hasFailed ? whyFailed(detail, task.reason) : null;
      const by = agent === null ? {} : { agent: agent.agent, agent_by: agent.by };
      const unchanged = noChange === undefined ? {} : { no_change: noChange };
      const attempts = usage.runs + single.runs;
      return { ...task, ...by, ...unchanged, attempts, why, waits_for_files: filesOf, usage };
    }),
  }));
}

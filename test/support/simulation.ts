/** Policies, documents and words for worlds without a disk. */
import { defaultPolicy, type Policy } from '../../machines/vocabulary/policy.ts';
import type { SignalType } from '../../machines/vocabulary/signal.ts';

export const sha = (n: number) => n.toString(16).padStart(40, '0');

export const quietPolicy: Policy = {
  ...defaultPolicy,
  blueprint_skip_threshold: 0,
  roles: {
    ...defaultPolicy.roles,
    planner: { ...defaultPolicy.roles.planner, on: false },
    reviewer: { ...defaultPolicy.roles.reviewer, on: false },
  },
};

export function planText(waves: number[], extra = ''): string {
  const parts = waves.map(
    (tasks, w) =>
      `## Wave ${w + 1}\n${Array.from({ length: tasks }, (_, t) => `### Task ${t + 1}: task ${w + 1}.${t + 1}\n${extra}\n`).join('')}`,
  );
  return `# A plan\n\n**Goal:** something\n\n${parts.join('\n')}`;
}

/** The next signal of a person or an agent, by the state of the plan's lifecycle; `content`: the document that a draft becomes. */
export function wordsOn(content: string): Readonly<Record<string, readonly [SignalType, object]>> {
  return {
    'ready.draft': ['plan_updated', { content }],
    'ready.planned': ['implement_start', {}],
    'planning.working': ['planner_finished', {}],
    'cancelled.ended': ['reopen', {}],
    'underway.implementing.architecting.working': ['elaborator_finished', {}],
    'underway.reviewing.working': ['review_approved', {}],
    'underway.verifying.working': ['verify_approved', {}],
  };
}

/** A person's comments on lines of a change: which agents they reach. */
import type { Place, PlanModel, Recipient } from './plan-model.ts';
import type { Session } from './session.ts';
import { mayReceiveMessages } from './state-words.ts';

const makesChanges: ReadonlySet<string> = new Set(['coder', 'fixer', 'session']);

/** The agents that would accept the comments now, the most likely first. Empty: no agent would. */
export function recipientsOf({ plan, explain, agents, changes }: PlanModel, may: Session['may']): Recipient[] {
  const taken = new Set((explain?.events ?? []).filter(({ accepted }) => accepted).map(({ type }) => type));
  const fixer = (...signals: string[]): Recipient => ({ name: 'the fixer: request changes', title: null, signals });
  const reviews = ['review_changes_requested', 'verify_failed'].filter((type) => taken.has(type)).slice(0, 1);
  const isStuck = plan?.blocked?.source === 'review' || plan?.blocked?.source === 'cycle_limit';
  const toAgents = agents
    .filter((agent) => may('steer') && mayReceiveMessages(agent) && makesChanges.has(agent.role))
    .map(({ title }): Recipient => ({ name: title, title, signals: ['agent_send'] }));
  const own = `${plan?.plan}-${changes.task}`;
  return [
    ...toAgents.filter(({ title }) => title === own),
    ...reviews.map((type) => fixer(type)),
    ...(isStuck && taken.has('resolve') ? [fixer('resolve')] : []),
    // A plan that is done can be reviewed again, and the comments are the text of that review.
    ...(changes.reviewer && taken.has('request_review') ? [fixer('request_review', 'review_changes_requested')] : []),
    ...toAgents.filter(({ title }) => title !== own),
  ];
}

export function isAt(one: Place, other: Place): boolean {
  return one.path === other.path && one.line === other.line && one.side === other.side;
}

/** What an agent is there for. Apart from the policy, so that a verb that asks a running engine loads no schemas. */

export const roles = ['planner', 'architect', 'coder', 'reviewer', 'fixer', 'verifier', 'session'] as const;
export type Role = (typeof roles)[number];

/** Workers change files and take worker slots; the others are coordinators: they speak by signal; who judges, also by exit code or by its last message. */
export function isWorker(role: Role): boolean {
  return role === 'coder' || role === 'fixer' || role === 'session';
}

/** Who looks at the work of others and says whether it is good. */
export function isJudge(role: Role): role is 'reviewer' | 'verifier' {
  return role === 'reviewer' || role === 'verifier';
}

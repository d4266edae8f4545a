/** Refuses to start agents that could not work, so that the fault is not first noticed at a commit, after an agent has worked for an hour. */
import { type Candidate, refuseUnplayable } from '../../work/effects/playable.ts';
import { refuseBranch } from '../../work/git/branch.ts';
import { identity } from '../../work/git/identity.ts';
import type { CommandDependencies } from './command-dependencies.ts';

/** Throws `untrusted`, `bad_config` (who commits?), and `branch_taken` or `bad_request` for the branch. */
export async function refuseRepo(
  { projects }: Pick<CommandDependencies, 'projects'>,
  project: string,
  branch: string,
): Promise<void> {
  const place = projects.get(project);
  projects.mustBeTrusted(project);
  await identity(place);
  await refuseBranch(await projects.repository(project), branch);
}

/** Throws `agent_unusable`: missing programs, or tasks that no agent could do. */
export function refuseAgents(
  { projects, env, walls, flagCheck }: Pick<CommandDependencies, 'projects' | 'env' | 'walls' | 'flagCheck'>,
  project: string,
  plan: Pick<Candidate, 'plan' | 'file' | 'document' | 'isDone' | 'isSession'>,
): Promise<void> {
  const { config, path: repo } = projects.get(project);
  return refuseUnplayable({ config, repo, env, walls, flagCheck, ...plan });
}

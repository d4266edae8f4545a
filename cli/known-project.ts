/** `--project` of any verb: an unknown name is an error, never an empty answer. */

import { EngineError } from '../machines/vocabulary/errors.ts';
import { shortList } from '../machines/vocabulary/numbers.ts';
import { didYouMeanAfter } from '../runtime/base/config/nearest.ts';
import { registeredProjects } from '../runtime/engine/registered-projects.ts';

/** A longer list of names does not help anyone. */
const shownNames = 20;

/** Throws `repo_not_found` with the nearest and the known names. */
export async function refuseUnknownProject(env: NodeJS.ProcessEnv, project: string): Promise<void> {
  const names = await registeredProjects(env);
  if (names === null || names.includes(project)) return;
  const message = `no repo "${project.slice(0, 100)}" is registered${didYouMeanAfter(project, names)}`;
  throw new EngineError('repo_not_found', message, knownOnes(names));
}

function knownOnes(names: readonly string[]): string {
  if (names.length === 0) return 'none is registered yet: stator repo add <path>, or stator run <plan.md> in the repo';
  return `registered: ${shortList(names, shownNames)}${names.length > shownNames ? ': stator repo list' : ''}`;
}

/** The repo that a verb is about: as it was named, else the one of the folder. */
import type { Call } from '../command.ts';
import { requireProject } from '../place.ts';

export const repoArg = {
  type: 'positional',
  valueHint: 'project',
  required: false,
  description: 'its name; default: the repo of this folder',
} as const;

/** Throws `bad_repo`. */
export function whichRepo(call: Call, named: string | undefined): string {
  return named ?? requireProject(call);
}

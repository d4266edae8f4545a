/** `[members.<folder>]`: the repos whose files are in folders of this one. */
import { z } from 'zod';
import type { PlanDocument, PlanProblem } from '../../../machines/document/plan-document.ts';
import { didYouMeanOr } from './nearest.ts';
import { isBranchName, text } from './schema-words.ts';

/** The most repos in one. */
const memberLimit = 20;
/** The folder of a member at the root of the repo. */
export const folderName = /^(?!\.)[\w.-]{1,64}$/;

export const memberTable = z.strictObject(
  {
    repo: text({ min: 1, max: 255, is: 'the name of a registered repo' }).optional(),
    branch: text({
      min: 0,
      max: 255,
      is: 'a branch such as "main", or ""',
      where: isBranchName,
    }).optional(),
  },
  { error: 'a table with repo and branch' },
);

export const membersSchema = z
  .record(
    z.string().regex(folderName, { error: 'the name of a folder: letters, digits, ".", "_" and "-", no dot first' }),
    memberTable,
    { error: 'tables such as [members.api]' },
  )
  .refine((tables) => Object.keys(tables).length <= memberLimit, { error: `at most ${memberLimit} tables` });

export interface MemberConfig {
  /** The folder at the root of the repo. */
  readonly folder: string;
  /** The name of a registered repo. */
  readonly repo: string;
  /** null: the branch on which plans of that repo begin. */
  readonly branch: string | null;
}

/** In the order of the file, which is the order in which they land. */
export function membersOf(tables: z.output<typeof membersSchema>): MemberConfig[] {
  return Object.entries(tables).map(([folder, { repo = folder, branch = '' }]) => ({
    ...{ folder, repo },
    branch: branch === '' ? null : branch,
  }));
}

/** The tasks, and the names of `**Land:**`, that name a repo which is no member, each with what to do. `project`: the name of the plan's own repo. */
export function unknownRepos(
  { waves, land, repo: ofPlan }: Pick<PlanDocument, 'waves' | 'land' | 'repo'>,
  { members, project }: { members: readonly MemberConfig[]; project: string | null },
): PlanProblem[] {
  const names = members.map(({ folder }) => folder);
  const unknown = (land?.folders ?? []).filter((folder) => !names.includes(folder));
  const ofOrder = unknown.map((folder) => ({
    line: land?.line ?? 1,
    message: `**Land:** names the repo "${folder}", and ${helpFor(folder, { names, project })}`,
  }));
  // In a repo without members it is text: people name the repo that they write the plan for.
  const isUnknown = ofPlan !== null && names.length > 0 && !names.includes(ofPlan.name);
  const message = `**Repo:** names the repo "${ofPlan?.name}", and ${helpFor(ofPlan?.name ?? '', { names, project })}`;
  const ofHead = isUnknown ? [{ line: ofPlan.line, message }] : [];
  const ofTasks = waves.flatMap(({ tasks }) =>
    tasks.flatMap(({ repo, line, number }) => {
      if (repo === null || repo === ofPlan?.name || names.includes(repo)) return [];
      const message = `task ${number} is for the repo "${repo}", and ${helpFor(repo, { names, project })}`;
      return [{ line, message }];
    }),
  );
  return [...ofOrder, ...ofHead, ...ofTasks];
}

/** The members in the order in which a plan lands in them: those that its `**Land:**` names, then the others as they are. */
export function inLandOrder<M extends { readonly folder: string }>(
  members: readonly M[],
  land: PlanDocument['land'],
): M[] {
  const place = ({ folder }: M) => {
    const at = land?.folders.indexOf(folder) ?? -1;
    return at < 0 ? members.length : at;
  };
  return members.toSorted((one, other) => place(one) - place(other));
}

function helpFor(repo: string, { names, project }: { names: readonly string[]; project: string | null }): string {
  if (names.length === 0 && repo === project) return 'that is this one; leave the line out';
  if (names.length === 0) {
    const both = project === null ? `<this repo> ${repo}` : `${project} ${repo}`;
    return `this repo has no members; make one of them all, and register the plan there: stator repo compose <folder> ${both}`;
  }
  return `it is no member of this one; ${didYouMeanOr(repo, names, `[members] has: ${names.join(', ')}`)}`;
}

/** Deleting what plans left behind. */
import type { OperationParts } from '../commands/commands.ts';
import type { CleaningReport, RepairReport } from '../contract/cleaning.ts';
import { answerOf, operationWith } from './operation.ts';

const operation = operationWith<OperationParts>();

/** Ten years, the limit of the setting. */
const longestMs = 3_650 * 86_400_000;

export const cleaningOperations = {
  gc: operation({
    http: 'POST /v1/gc',
    does: 'clears away what plans left behind that ended longer ago than `older_than_ms` (the setting `retention` where it is not said); with `dry` it only says what would go; what is kept is named with its reason; `everything`: instead every worktree, branch and ref that stator made in a repo, of every plan, but for what holds commits that are nowhere else, and what was uncommitted is first saved as a ref; only an engine that stays for one request does that without `dry`',
    again: 'free',
    who: 'person',
    input: ({ z, shapes: { cleaningOverrides } }) => ({
      dry: z.boolean().optional(),
      everything: z.boolean().optional(),
      older_than_ms: z.int().min(0).max(longestMs).optional(),
      overrides: z.array(z.enum(cleaningOverrides)).max(cleaningOverrides.length).optional(),
    }),
    answer: answerOf<CleaningReport>(({ shapes }) => shapes.cleaningReport),
    errors: ['conflict'],
    run: ({ commands }, { dry = false, everything = false, older_than_ms: olderThanMs = null, overrides = [] }) =>
      everything ? commands.clearRepos({ dry }) : commands.clear({ dry, olderThanMs, overrides }),
  }),
  repair: operation({
    http: 'POST /v1/repair',
    does: 'takes away what nobody owns any more: worktrees, branches, refs and run folders that no plan of the store knows, sockets nobody serves, locks that killed gits left; with `dry` it only says what it would do; what would be lost, or may be in use, is kept and named',
    again: 'free',
    who: 'person',
    input: ({ z }) => ({ dry: z.boolean().optional() }),
    answer: answerOf<RepairReport>(({ shapes }) => shapes.repairReport),
    errors: ['conflict'],
    run: ({ commands }, { dry = false }) => commands.repair({ dry }),
  }),
};

/** Deleting what plans left behind. */
import { z } from 'zod';
import { cleaningOverrides, cleaningReport, repairReport } from '../../contract/cleaning.ts';
import { json, route } from '../route.ts';

/** Ten years, as the setting has it. */
const longestMs = 3_650 * 86_400_000;

export const cleaningRoutes = [
  route(
    'POST /v1/gc',
    {
      does: 'clears away what plans left behind that ended longer ago than `older_than_ms` (the setting `retention` where it is not said); with `dry` it only says what would go; what is kept is named with its reason; `everything`: instead every worktree, branch and ref that stator made in a repo, of every plan, but for what holds work that is nowhere else; only an engine that stays for one request does that without `dry`',
      again: 'free',
      who: 'person',
      body: z.strictObject({
        dry: z.boolean().optional(),
        everything: z.boolean().optional(),
        older_than_ms: z.int().min(0).max(longestMs).optional(),
        overrides: z.array(z.enum(cleaningOverrides)).max(cleaningOverrides.length).optional(),
      }),
      answers: { 200: cleaningReport },
      errors: ['conflict'],
    },
    async ({ core, body }) =>
      json(
        200,
        body.everything === true
          ? await core.commands.clearRepos({ dry: body.dry === true })
          : await core.commands.clear({
              dry: body.dry === true,
              olderThanMs: body.older_than_ms ?? null,
              overrides: body.overrides ?? [],
            }),
      ),
  ),
  route(
    'POST /v1/repair',
    {
      does: 'takes away what nobody owns any more: worktrees, branches, refs and run folders that no plan of the store knows, sockets nobody serves, locks that killed gits left; with `dry` it only says what it would do; what would be lost, or may be in use, is kept and named',
      again: 'free',
      who: 'person',
      body: z.strictObject({ dry: z.boolean().optional() }),
      answers: { 200: repairReport },
      errors: ['conflict'],
    },
    async ({ core, body }) => json(200, await core.commands.repair({ dry: body.dry === true })),
  ),
] as const;

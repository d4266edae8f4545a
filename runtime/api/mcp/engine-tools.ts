/** The tools that show the engine and its repos, and the tool that waits. */
import { z } from 'zod';
import { EngineError } from '../../../machines/vocabulary/errors.ts';
import { notificationEntry } from '../contract/notifications.ts';
import { factEntry, planEntry } from '../contract/plans.ts';
import { repoAdded, statusAnswer } from '../contract/repos.ts';
import { count } from '../contract/shared-shapes.ts';
import { line } from '../control/requests.ts';
import { landingOperations } from '../operations/landing.ts';
import { planOperations } from '../operations/plan.ts';
import { repoOperations } from '../operations/repo.ts';
import { withCaller } from './caller.ts';
import { toolOf } from './operation-tool.ts';
import { type AnyTool, filename, planOf, project, tool } from './tool.ts';
import { defaultWaitSeconds, waitFor, waitLimitSeconds, waitUntil } from './wait.ts';

export const engineTools: readonly AnyTool[] = [
  tool({
    name: 'daemon_status',
    does: 'Shows whether an engine runs, its repos, its agents and what is wrong with its configuration.',
    kind: 'reads',
    input: z.strictObject({}),
    output: statusAnswer.partial().extend({ running: z.boolean() }),
    run: async ({ caller }) => {
      const client = await caller.attach();
      if (client === null) return { running: false };
      try {
        return await client.status();
      } finally {
        await client.close();
      }
    },
  }),
  toolOf(planOperations.liveStatus),
  toolOf(repoOperations.repos),
  tool({
    name: 'repo_add',
    does: 'Registers a repo by a path inside it. What its files may start is shown to the person, who trusts it or does not; a client that cannot ask is refused.',
    kind: 'changes',
    input: z.strictObject({ path: line(4096).describe('absolute') }),
    output: repoAdded,
    run: ({ input: { path }, caller, ...ask }) =>
      withCaller(caller, 'write', async (client) => {
        const found = await client.lookAtTrust({ path, way: 'api' });
        if (found.may_act) return client.addRepo(path, { trust: false, way: 'api' });
        const enables = [...found.enables, ...found.agents];
        const question = [`Trust what ${found.path} brings? It may start:`, ...enables, ...found.changes].join('\n');
        const isTrusted = await ask.confirm(question.slice(0, 8_000));
        if (isTrusted === true) return client.addRepo(path, { trust: found.digest, way: 'api' });
        throw new EngineError(
          'untrusted',
          `${found.path} is not trusted${isTrusted === false ? ': the person said no' : ''}. It may start:\n${enables.join('\n')}`,
          'a person looks at it and says yes in that folder: stator repo add . (or stator repo trust <project>)',
        );
      }),
  }),
  toolOf(landingOperations.landings),
  tool({
    name: 'notification_list',
    does: 'Lists notifications, the newest first: what nobody has read, or all.',
    kind: 'reads',
    input: z.strictObject({ all: z.boolean().default(false), project }),
    output: z.object({ notifications: z.array(notificationEntry) }),
    run: async ({ input: { all, project: named }, caller }) => ({
      notifications: await withCaller(caller, 'read', (client) =>
        client.notifications({ ...(all ? { all: 'true' } : {}), ...(named === undefined ? {} : { project: named }) }),
      ),
    }),
  }),
  tool({
    name: 'wait_for_event',
    does: 'Waits for what happens: the next line of the journal, or, of one plan, until a person is needed (person), no agent is at work and none waits (idle), it is done or cancelled (final), or it has a status. An engine that is started anew meanwhile is waited for.',
    kind: 'reads',
    input: z.strictObject({
      filename: filename.optional(),
      project,
      until: z.enum(waitFor).default('event'),
      since: count.describe('the next_since of an earlier call: what was missed comes first').optional(),
      timeout_seconds: z.int().min(1).max(waitLimitSeconds).default(defaultWaitSeconds),
    }),
    output: z.object({
      reached: z.boolean(),
      /** Why it was not reached; null: it was reached. */
      note: z.string().nullable(),
      plan: planEntry.nullable(),
      /** The number of the last event. */
      events: z.array(factEntry),
      /** null: no event was seen, and no `since` was given. */
      next_since: count.nullable(),
    }),
    run: async (ask) => {
      const { filename: said, until } = ask.input;
      if (until !== 'event' && said === undefined)
        throw new EngineError('bad_request', `filename is required to wait for ${until}`, 'name the plan');
      return waitUntil(ask, said === undefined ? null : planOf(said));
    },
  }),
];

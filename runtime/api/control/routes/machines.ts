/** The statecharts, the very ones that run. */
import { z } from 'zod';
import { EngineError } from '../../../../machines/vocabulary/errors.ts';
import { machineTree } from '../../../../machines/vocabulary/ids.ts';
import { mustBeTaken } from '../../commands/machines.ts';
import { verdictWaitMs } from '../../commands/signal-sender.ts';
import {
  type MachineVerdict,
  machineEntry,
  machineExplanation,
  machineTreeDeleted,
  machineTreeEntry,
  machineTreeReplay,
  machineTreeShow,
  machineVerdict,
} from '../../contract/machines.ts';
import { historyEntry, verification } from '../../contract/plans.ts';
import { machineNamed } from '../../queries/chart.ts';
import { digits, flag, line, momentOf, momentQuery } from '../requests.ts';
import { json, route, text } from '../route.ts';

const maxWaitMs = 60_000;
const named = z.strictObject({ name: line(64) });
const tree = named.extend({ id: line(128) });
const waits = { wait_ms: z.int().min(0).max(maxWaitMs).default(verdictWaitMs) };
const lookErrors = ['machine_unknown', 'not_found', 'snapshot_unknown'] as const;

/** 200: done or held; 202: not decided yet; a refusal is an error. */
function answered(verdict: MachineVerdict) {
  return json(verdict.signal.status === 'pending' ? 202 : 200, mustBeTaken(verdict));
}

export const machineRoutes = [
  route(
    'GET /v1/machines',
    {
      does: 'the machines, each with its description and size',
      who: 'anyone',
      answers: { 200: z.array(machineEntry) },
    },
    ({ core: { views } }) => json(200, views.machines()),
  ),
  route(
    'GET /v1/machines/:name',
    {
      does: 'the chart of a machine; as `svg` with highlighted current states: of a plan, of all its actors of that machine, or of a `tree` of a user-defined machine',
      who: 'anyone',
      params: z.strictObject({ name: line(64) }),
      query: z.strictObject({
        format: z.enum(['mermaid', 'json', 'svg']).default('mermaid'),
        theme: z.enum(['light', 'dark', 'both']).optional(),
        project: line(255).optional(),
        plan: line(255).optional(),
        tree: line(128).optional(),
      }),
      answers: { 200: 'text' },
      errors: ['machine_unknown', 'not_found', 'plan_not_found', 'snapshot_unknown', 'unavailable'],
    },
    async ({ core: { views }, params: { name }, query: { format, theme: asked, project, plan, tree } }) => {
      const theme = asked ?? 'both';
      if (format === 'svg') {
        if (tree !== undefined) {
          if (project !== undefined || plan !== undefined)
            throw new EngineError('bad_request', 'a picture shows a plan or a tree', 'give one of them');
          return text(200, await views.picture(name, { theme, tree: await views.mustReadTree(name, tree) }));
        }
        if ((project === undefined) !== (plan === undefined))
          throw new EngineError('bad_request', 'a plan is named by project and plan', 'give both, or none of them');
        if (project === undefined || plan === undefined)
          return text(200, await views.picture(name, { theme, tree: null }));
        machineNamed(name);
        return text(200, await views.picture(name, { theme, tree: await views.litTree(name, project, plan) }));
      }
      if ([asked, project, plan, tree].some((each) => each !== undefined))
        throw new EngineError(
          'bad_request',
          `${format} has no theme, no plan and no tree`,
          'ask for them with format=svg',
        );
      return text(200, views.chart(name, format));
    },
  ),
  route(
    'GET /v1/machines/:name/trees',
    {
      does: 'up to 1,000 trees of a user-defined machine, by their ids',
      who: 'anyone',
      params: named,
      query: z.strictObject({ after: line(128).optional() }),
      answers: { 200: z.array(machineTreeEntry) },
      errors: lookErrors,
    },
    async ({ core: { views }, params: { name }, query: { after = null } }) =>
      json(200, await views.machineTrees(name, after)),
  ),
  route(
    'POST /v1/machines/:name/trees',
    {
      does: 'begins a tree of a user-defined machine; an existing one stays unchanged',
      again: 'signal',
      who: 'person',
      needs: 'steer',
      params: named,
      body: z.strictObject({ id: line(128), input: z.unknown().optional(), ...waits }),
      answers: { 200: machineVerdict, 202: machineVerdict },
      errors: ['machine_unknown', 'bad_payload', 'too_large', 'refused'],
    },
    async ({ core, params: { name }, body: { id, input, wait_ms: waitMs } }) =>
      answered(await core.commands.startMachine({ machine: name, id, input, waitMs })),
  ),
  route(
    'GET /v1/machines/:name/trees/:id',
    {
      does: 'a tree of a user-defined machine, with its context',
      who: 'anyone',
      params: tree,
      answers: { 200: machineTreeShow },
      errors: lookErrors,
    },
    async ({ core: { views }, params: { name, id } }) => json(200, await views.machineTree(name, id)),
  ),
  route(
    'GET /v1/machines/:name/trees/:id/replay',
    {
      does: 'a tree of a user-defined machine as it was after line `to` of its journal, or at the time `at`: rebuilt from the journal alone',
      who: 'anyone',
      params: tree,
      query: momentQuery,
      answers: { 200: machineTreeReplay },
      errors: [...lookErrors, 'bad_request'],
    },
    async ({ core: { views }, params: { name, id }, query }) =>
      json(200, await views.machineReplay(name, id, momentOf(query))),
  ),
  route(
    'DELETE /v1/machines/:name/trees/:id',
    {
      does: 'deletes a tree of a user-defined machine; 409 if it has not ended, unless `force` gives up everything that it waits for',
      who: 'person',
      params: tree,
      query: z.strictObject({ force: flag }),
      answers: { 200: machineTreeDeleted },
      errors: [...lookErrors, 'conflict'],
    },
    async ({ core, params: { name, id }, query: { force } }) =>
      json(200, await core.commands.deleteMachine({ machine: name, id, force: force === '1' })),
  ),
  route(
    'POST /v1/machines/:name/trees/:id/signals',
    {
      does: 'sends a signal to a tree of a user-defined machine and waits for the verdict: 200, 202 while it is pending, 409 refused',
      again: 'signal',
      who: 'person',
      needs: 'steer',
      params: tree,
      body: z.strictObject({
        type: z.string().min(1).max(128),
        payload: z.unknown().optional(),
        dedupe_key: z.string().min(1).max(256).optional(),
        ...waits,
      }),
      answers: { 200: machineVerdict, 202: machineVerdict },
      errors: [...lookErrors, 'unknown_signal', 'bad_payload', 'too_large', 'refused'],
    },
    async ({ core, params: { name, id }, body: { type, payload, dedupe_key: dedupeKey = null, wait_ms: waitMs } }) =>
      answered(await core.commands.sendMachine({ machine: name, id, type, payload, dedupeKey, waitMs })),
  ),
  route(
    'GET /v1/machines/:name/trees/:id/history',
    {
      does: "up to 1,000 lines of the journal of a user-defined machine's tree, those after `after`",
      who: 'anyone',
      params: tree,
      query: z.strictObject({ after: digits.optional() }),
      answers: { 200: z.array(historyEntry) },
      errors: lookErrors,
    },
    async ({ core: { views }, params: { name, id }, query: { after = 0 } }) =>
      json(200, await views.machineHistory(name, id, after)),
  ),
  route(
    'GET /v1/machines/:name/trees/:id/verify',
    {
      does: "whether the stored state of a user-defined machine's tree matches its journal; nothing is changed",
      who: 'anyone',
      params: tree,
      answers: { 200: verification },
      errors: ['machine_unknown', 'not_found'],
    },
    async ({ core: { views }, params: { name, id } }) => {
      views.machineNamed(name);
      return json(200, await views.verify(machineTree(name, id)));
    },
  ),
  route(
    'GET /v1/machines/:name/trees/:id/explain',
    {
      does: 'what a tree of a user-defined machine waits for, and the signals that it accepts',
      who: 'anyone',
      params: tree,
      answers: { 200: machineExplanation },
      errors: lookErrors,
    },
    async ({ core: { views }, params: { name, id } }) => json(200, await views.machineExplanation(name, id)),
  ),
] as const;

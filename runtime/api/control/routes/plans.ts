/** Routes that list, register, change, delete and show plans. */
import { z } from 'zod';
import { parsePlan } from '../../../../machines/document/plan-document.ts';
import { planDocumentLimitBytes } from '../../../../machines/vocabulary/plan-file.ts';
import {
  type CleaningOverride,
  cleaningOverrides,
  leftoverKinds,
  planDeleted,
  planLeftovers,
} from '../../contract/cleaning.ts';
import {
  type DocumentCheck,
  documentCheck,
  explanation,
  fileDiff,
  historyEntry,
  planChanges,
  planComments,
  planDiff,
  planEntry,
  planPushed,
  planReplay,
  planShow,
  planStates,
  promptShow,
  verification,
  whatIf,
  whatIfQuestion,
} from '../../contract/plans.ts';
import { planTrace } from '../../contract/traces.ts';
import { momentOf } from '../../operations/moment.ts';
import type { Moment } from '../../queries/replay.ts';
import {
  digits,
  documentOf,
  family,
  fileFamily,
  flag,
  given,
  line,
  momentQuery,
  planParams,
  projectParams,
} from '../requests.ts';
import { json, route } from '../route.ts';
import { doorErrors, sendAndAnswer, verdictAnswers } from '../verdicts.ts';

/** A document in JSON may take more room than its own limit. */
const bodyLimitBytes = 3 * planDocumentLimitBytes;

const leftoverKind = z.enum(leftoverKinds);
const overrideFlags = { unmerged: flag, uncommitted: flag, in_use: flag } satisfies Record<
  CleaningOverride,
  typeof flag
>;

/** Relative to the repo's root, with `/`; absolute for a file outside the repo. */
const filePath = line(4096);

/** A file of git: its name may hold any character. */
const anyPath = z.string().min(1).max(4096);
/** The whole of nearly every file. */
const contextMost = 1_000_000;
const changesQuery = momentQuery.extend({
  task: line(20).optional(),
  since: digits.optional(),
  after: digits.optional(),
});
const diffErrors = [
  'plan_not_found',
  'not_found',
  'bad_request',
  'conflict',
  'snapshot_unknown',
  'git_failed',
] as const;

export const planRoutes = [
  route(
    'GET /v1/plans',
    {
      does: 'the plans of all repos, or of one',
      who: 'anyone',
      query: z.strictObject({ project: line(255).optional() }),
      answers: { 200: z.array(planEntry) },
    },
    async ({ core, query }) => json(200, await core.views.plans(query.project ?? null)),
  ),
  route(
    'POST /v1/check',
    {
      does: 'parses a document as a plan, and returns its waves and tasks, or every problem with its line; registers nothing',
      again: 'free',
      who: 'anyone',
      body: z.strictObject({ content: z.string(), as: family.optional() }),
      bodyLimitBytes,
      answers: { 200: documentCheck },
      errors: ['bad_plan'],
    },
    async ({ body: { content, as } }) => json(200, checkOf(documentOf(content, { as }))),
  ),
  route(
    'GET /v1/repos/:project/plans',
    {
      does: 'the plans of a repo',
      who: 'anyone',
      params: projectParams,
      answers: { 200: z.array(planEntry) },
      errors: ['repo_not_found'],
    },
    async ({ core: { views }, params: { project } }) => {
      views.mustKnow(project);
      return json(200, await views.plans(project));
    },
  ),
  route(
    'POST /v1/repos/:project/plans',
    {
      does: 'registers a document as a plan, bound to `file` if it is that file’s text, which is read as `file_as` from now on; with `adopt` its branch may be one that stator did not make, and the plan continues from its head',
      who: 'person',
      needs: 'steer',
      params: projectParams,
      body: z.strictObject({
        plan: line(256),
        content: z.string(),
        branch: line(200).optional(),
        topic: line(200).optional(),
        file: filePath.optional(),
        as: family.optional(),
        file_as: family.optional(),
        adopt: z.boolean().optional(),
      }),
      bodyLimitBytes,
      answers: { 201: planShow },
      errors: ['bad_plan', 'repo_not_found', 'conflict', 'branch_taken'],
    },
    async ({ core, params, body }) => {
      const { content, branch = null, topic = null, file = null, as, adopt = false, plan } = body;
      const document = documentOf(content, { file: file ?? '', as: as ?? body.file_as });
      const fileAs = fileFamily(body);
      const command = { ...params, plan, content: document, branch, topic, file, fileAs, adopts: adopt };
      return json(201, await core.commands.registerPlan(command));
    },
  ),
  route(
    'GET /v1/repos/:project/plans/:plan',
    {
      does: 'a plan with its waves and tasks',
      who: 'anyone',
      inRuns: true,
      params: planParams,
      answers: { 200: planShow },
      errors: ['plan_not_found'],
    },
    async ({ core, params: { project, plan } }) => json(200, await core.views.plan(project, plan)),
  ),
  route(
    'DELETE /v1/repos/:project/plans/:plan',
    {
      does: 'deletes a plan; 409 while it is under way. `clear` also deletes its worktrees, or its branches and worktrees; if work would be lost (unmerged, uncommitted) or is in use, and no parameter of that name permits it, nothing is deleted',
      who: 'person',
      params: planParams,
      query: z.strictObject({ clear: leftoverKind.optional(), ...overrideFlags }),
      answers: { 200: planDeleted },
      errors: ['plan_not_found', 'conflict', 'refused'],
    },
    async ({ core, params, query: { clear = null, ...flags } }) => {
      const overrides = cleaningOverrides.filter((override) => flags[override] === '1');
      return json(200, await core.commands.deletePlan({ ...params, clear, overrides }));
    },
  ),
  route(
    'GET /v1/repos/:project/plans/:plan/leftovers',
    {
      does: 'what would be deleted with a plan by `clear` (default: branches), and what would stay and why',
      who: 'person',
      params: planParams,
      query: z.strictObject({ clear: leftoverKind.optional() }),
      answers: { 200: planLeftovers },
      errors: ['plan_not_found', 'conflict'],
    },
    async ({ core, params, query: { clear = null } }) =>
      json(200, await core.commands.planLeftovers({ ...params, clear })),
  ),
  route(
    'PUT /v1/repos/:project/plans/:plan/content',
    {
      does: 'replaces the document; `file` if it is the text of the plan’s file, to which a plan without a file is then bound',
      who: 'own',
      needs: 'steer',
      inRuns: true,
      params: planParams,
      body: z.strictObject({
        content: z.string(),
        file: filePath.optional(),
        as: family.optional(),
        file_as: family.optional(),
      }),
      bodyLimitBytes,
      answers: verdictAnswers,
      errors: ['bad_plan', 'conflict', ...doorErrors],
    },
    async (ask) => {
      const { principal, params, core, body } = ask;
      // A sender without permission is refused before the document is parsed.
      await principal.mustOwn(params.project, params.plan);
      const { file, content } = body;
      const known = file === undefined ? null : (await core.commands.mustBeFileOf({ ...params, file })).fileAs;
      const as = body.as ?? body.file_as ?? known ?? undefined;
      const fileAs = file === undefined ? undefined : (fileFamily(body) ?? undefined);
      const payload = { content: documentOf(content, { file, as }), ...given({ file, file_as: fileAs }) };
      return sendAndAnswer(ask, { ...params, type: 'plan_updated', payload });
    },
  ),
  route(
    'PUT /v1/repos/:project/plans/:plan/file',
    {
      does: 'binds a plan to its file, and stores the text as the known one: that is no edit of the plan',
      who: 'person',
      needs: 'steer',
      params: planParams,
      body: z.strictObject({
        file: filePath,
        content: z.string(),
        as: family.optional(),
        file_as: family.optional(),
      }),
      bodyLimitBytes,
      answers: { 200: planShow },
      errors: ['bad_plan', 'plan_not_found', 'conflict'],
    },
    async ({ core, params, body }) => {
      const { file } = body;
      const known = (await core.commands.mustBeFileOf({ ...params, file })).fileAs ?? undefined;
      const content = documentOf(body.content, { file, as: body.as ?? body.file_as ?? known });
      return json(200, await core.commands.takeFile({ ...params, file, content, fileAs: fileFamily(body) }));
    },
  ),
  route(
    'POST /v1/repos/:project/plans/:plan/push',
    {
      does: 'pushes its branch to `remote`, or to the remote that git would choose, with the user’s hooks and never by force',
      who: 'person',
      needs: 'steer',
      params: planParams,
      body: z.strictObject({ remote: line(255).optional() }),
      answers: { 200: planPushed },
      errors: ['plan_not_found', 'repo_not_found', 'refused', 'git_failed'],
    },
    async ({ core, params, body: { remote = null } }) => json(200, await core.commands.pushPlan({ ...params, remote })),
  ),
  route(
    'GET /v1/repos/:project/plans/:plan/history',
    {
      does: 'up to 1,000 lines of its journal, those after `after`',
      who: 'anyone',
      inRuns: true,
      params: planParams,
      query: z.strictObject({ after: digits.optional() }),
      answers: { 200: z.array(historyEntry) },
      errors: ['plan_not_found'],
    },
    async ({ core, params: { project, plan }, query: { after = 0 } }) =>
      json(200, await core.views.history(project, plan, after)),
  ),
  route(
    'GET /v1/repos/:project/plans/:plan/trace',
    {
      does: 'a plan as a trace of OpenTelemetry: waves, tasks, agents, runs and other work as spans, in the JSON that `/v1/traces` of a collector takes; the same ids at each request',
      who: 'anyone',
      params: planParams,
      answers: { 200: planTrace },
      errors: ['plan_not_found'],
    },
    async ({ core, params: { project, plan } }) => json(200, await core.views.planTrace(project, plan)),
  ),
  route(
    'GET /v1/repos/:project/plans/:plan/explain',
    {
      does: 'what a plan waits for, and the signals that it accepts',
      who: 'anyone',
      inRuns: true,
      params: planParams,
      answers: { 200: explanation },
      errors: ['plan_not_found'],
    },
    async ({ core, params: { project, plan } }) => json(200, await core.views.explain(project, plan)),
  ),
  route(
    'GET /v1/repos/:project/plans/:plan/states',
    {
      does: 'the states and contexts of its actors, now or after line `at` of its journal',
      who: 'anyone',
      inRuns: true,
      params: planParams,
      query: z.strictObject({ at: digits.optional() }),
      answers: { 200: planStates },
      errors: ['plan_not_found'],
    },
    async ({ core, params, query: { at = null } }) => json(200, await core.views.planStates({ ...params, at })),
  ),
  route(
    'GET /v1/repos/:project/plans/:plan/replay',
    {
      does: 'the plan as it was after line `to` of its journal, or at the time `at`: rebuilt from the journal alone',
      who: 'anyone',
      params: planParams,
      query: momentQuery,
      answers: { 200: planReplay },
      errors: ['plan_not_found', 'not_found', 'snapshot_unknown', 'bad_request'],
    },
    async ({ core, params: { project, plan }, query }) =>
      json(200, await core.views.planReplay(project, plan, momentOf(query))),
  ),
  route(
    'POST /v1/repos/:project/plans/:plan/what-if',
    {
      does: 'the plan’s course with other inputs: its journal is replayed up to the point where they matter, and simulated from there; nothing is carried out',
      again: 'free',
      who: 'person',
      needs: 'look',
      params: planParams,
      body: whatIfQuestion,
      answers: { 200: whatIf },
      errors: ['plan_not_found', 'not_found', 'snapshot_unknown', 'bad_request'],
    },
    async ({ core, params, body }) => json(200, await core.whatIf({ ...params, ...body })),
  ),
  route(
    'GET /v1/repos/:project/plans/:plan/verify',
    {
      does: 'whether a plan’s stored state matches its journal; nothing is changed',
      who: 'anyone',
      params: planParams,
      answers: { 200: verification },
      errors: ['plan_not_found'],
    },
    async ({ core, params }) => json(200, await core.views.verifyPlan(params)),
  ),
  route(
    'GET /v1/verify',
    {
      does: 'the same for every plan, every repo, the supervisor, and every tree of a machine of your own; with `sample` for that many of them, chosen at random',
      who: 'person',
      query: z.strictObject({ sample: digits.optional() }),
      answers: { 200: verification },
    },
    async ({ core, query: { sample } }) =>
      json(200, await core.views.verify(sample === undefined ? 'all' : { sample })),
  ),
  route(
    'GET /v1/repos/:project/plans/:plan/prompt',
    {
      does: 'the prompt that an agent would get now: the agent of `task` (`w1-t2`), of `role`, or the one that works or would start next',
      who: 'anyone',
      inRuns: true,
      params: planParams,
      query: z.strictObject({ task: line(20).optional(), role: line(20).optional() }),
      answers: { 200: promptShow },
      errors: ['plan_not_found', 'conflict', 'bad_config', 'agent_unusable'],
    },
    async ({ core, params, query }) => json(200, await core.views.prompt({ ...params, ...query })),
  ),
  route(
    'GET /v1/repos/:project/plans/:plan/diff',
    {
      does: 'the changes of a plan since it was begun, or of one `task` (`w1-t2`); with `to` or `at` up to that line of its journal or that time',
      who: 'anyone',
      inRuns: true,
      params: planParams,
      query: momentQuery.extend({ task: line(20).optional() }),
      answers: { 200: planDiff },
      errors: diffErrors,
    },
    async ({ core, params, query: { task, to, at } }) =>
      json(200, await core.views.planDiff({ ...params, task, moment: pastOf({ to, at }) })),
  ),
  route(
    'GET /v1/repos/:project/plans/:plan/diff/files',
    {
      does: 'the files of the same changes, 1,000 at once, without their texts; with `since` only what changed after that line of its journal',
      who: 'anyone',
      params: planParams,
      query: changesQuery,
      answers: { 200: planChanges },
      errors: diffErrors,
    },
    async ({ core, params, query: { to, at, ...query } }) =>
      json(200, await core.views.planChanges({ ...params, ...query, moment: pastOf({ to, at }) })),
  ),
  route(
    'GET /v1/repos/:project/plans/:plan/diff/file',
    {
      does: 'the changes of one file, in parts: `next` of an answer is `after` of the next one, and its `from` and `to` say whether both are of the same change; `context` is the number of unchanged lines around each change',
      who: 'anyone',
      params: planParams,
      query: changesQuery.extend({ path: anyPath, context: digits.pipe(z.number().max(contextMost)).optional() }),
      answers: { 200: fileDiff },
      errors: diffErrors,
    },
    async ({ core, params, query: { to, at, ...query } }) =>
      json(200, await core.views.planFileDiff({ ...params, ...query, moment: pastOf({ to, at }) })),
  ),
  route(
    'GET /v1/repos/:project/plans/:plan/comments',
    {
      does: 'what people said of lines of its changes, with the commits that answer it, and whether a suggested replacement is in its branch exactly as it was written',
      who: 'anyone',
      params: planParams,
      answers: { 200: planComments },
      errors: diffErrors,
    },
    async ({ core, params }) => json(200, await core.views.planComments(params)),
  ),
] as const;

/** null: the present. */
function pastOf(query: z.infer<typeof momentQuery>): Moment | null {
  return query.to === undefined && query.at === undefined ? null : momentOf(query);
}

function checkOf(content: string): DocumentCheck {
  const { ok, document, problems } = parsePlan(content);
  const { goal, topic, issues, after } = document;
  const waves = document.waves.map(({ number, line, tasks }) => ({
    number,
    line,
    tasks: tasks.map((task) => ({ number: task.number, title: task.title, line: task.line, after: task.after })),
  }));
  return { ok, goal, topic, issues, after, waves, problems };
}

/** Plans: listed, registered, changed, deleted and shown. Their signals are in `signal.ts`. */
import { EngineError } from '../../../machines/vocabulary/errors.ts';
import { planDocumentLimitBytes } from '../../../machines/vocabulary/plan-file.ts';
import { planStatuses } from '../../../machines/vocabulary/plan-status.ts';
import { didYouMean } from '../../base/config/nearest.ts';
import { later } from '../../base/platform/later.ts';
import type { OperationParts } from '../commands/commands.ts';
import { admissionErrors } from '../contract/admission-errors.ts';
import type { CleaningOverride, PlanDeleted, PlanLeftovers } from '../contract/cleaning.ts';
import type { LiveStatus } from '../contract/live-status.ts';
import type {
  DocumentCheck,
  Explanation,
  FileDiff,
  HistoryEntry,
  OlderTask,
  PlanChanges,
  PlanComments,
  PlanDiff,
  PlanEntry,
  PlanPushed,
  PlanReplay,
  PlanShow,
  PlanStates,
  PromptShow,
  Verification,
  WhatIf,
} from '../contract/plans.ts';
import type { SignalAnswer } from '../contract/signals.ts';
import type { PlanTrace } from '../contract/traces.ts';
import { checkMoment, momentArgs, momentOf, pastOf } from './moment.ts';
import { operationWith } from './operation.ts';
import { answerOf, listOf, type Schemas } from './shape.ts';
import { checkWhatIf, whatIfArgs } from './what-if-args.ts';

const operation = operationWith<OperationParts>();
const loadLiveStatus = later(() => import('../queries/live-status.ts'));

/** A document in JSON may take more room than its own limit. */
const bodyLimitBytes = 3 * planDocumentLimitBytes;
const overrides = ['unmerged', 'uncommitted', 'in_use'] as const satisfies readonly CleaningOverride[];

const ofRepo = ({ name }: Schemas) => ({ project: name });
const named = ({ name }: Schemas) => ({ project: name, plan: name });
/** As in kasmos, its name may end in `.md`. */
const withoutSuffix = (plan: string) => plan.replace(/\.md$/, '');

/** Relative to the repo's root, with `/`; absolute for a file outside the repo. */
const filePath = ({ line }: Schemas) => line(4096);
/** The families that a document is read as now, and that its file is read as from now on. */
const families = ({ family }: Schemas) => ({ as: family.optional(), file_as: family.optional() });

const clear = ({ z, shapes }: Schemas) => ({ clear: z.enum(shapes.leftoverKinds).optional() });

const changes = (schemas: Schemas) => ({
  ...named(schemas),
  ...schemas.moment,
  task: schemas.line(20).optional(),
  since: schemas.digits.optional(),
  after: schemas.digits.optional(),
});
/** The whole of nearly every file. */
const contextLimit = 1_000_000;

const lookErrors = ['plan_not_found'] as const;
const pastErrors = ['plan_not_found', 'not_found', 'snapshot_unknown', 'bad_request'] as const;
const diffErrors = [
  'plan_not_found',
  'not_found',
  'bad_request',
  'conflict',
  'snapshot_unknown',
  'git_failed',
] as const;

const shown = answerOf<PlanShow>(({ shapes }) => shapes.planShow);
const verified = answerOf<Verification>(({ shapes }) => shapes.verification);
const verdict = answerOf<SignalAnswer>(({ shapes }) => shapes.signalAnswer);

export const planOperations = {
  plans: operation({
    http: 'GET /v1/plans',
    does: 'the plans of all repos, or of one',
    who: 'anyone',
    input: ({ line }) => ({ project: line(255).optional() }),
    answer: listOf<PlanEntry>(({ shapes }) => shapes.planEntry),
    run: ({ views }, { project = null }) => views.plans(project),
    verb: {
      name: 'list',
      listed: 'list plans',
      summary: 'List the plans of this repo; outside of a repo, and with --all, of all repos.',
      takesAll: true,
      flags: {
        'not-merged': { type: 'boolean', description: 'only plans that are done and not merged' },
        status: { type: 'string', valueHint: 'status', description: 'only plans of that status' },
      },
      check({ status }) {
        if (typeof status === 'string' && !planStatuses.some((known) => known === status))
          throw new EngineError(
            'usage',
            `"${status}" is no status of a plan`,
            `${didYouMean(status, planStatuses)}there are ${planStatuses.join(', ')}`,
          );
      },
      examples: ['stator plan list --json', 'stator plan list --all --not-merged'],
    },
  }),
  checkDocument: operation({
    http: 'POST /v1/check',
    does: 'parses a document as a plan, and returns its waves and tasks, or every problem with its line; registers nothing',
    again: 'free',
    who: 'anyone',
    bodyLimitBytes,
    input: ({ z, family }) => ({ content: z.string(), as: family.optional() }),
    answer: answerOf<DocumentCheck>(({ shapes }) => shapes.documentCheck),
    errors: ['bad_plan'],
    run: ({ commands }, document) => commands.checkDocument(document),
  }),
  plansOfRepo: operation({
    http: 'GET /v1/repos/:project/plans',
    does: 'the plans of a repo',
    who: 'anyone',
    input: ofRepo,
    answer: listOf<PlanEntry>(({ shapes }) => shapes.planEntry),
    errors: ['repo_not_found'],
    run({ views }, { project }) {
      views.mustKnow(project);
      return views.plans(project);
    },
  }),
  registerPlan: operation({
    http: 'POST /v1/repos/:project/plans',
    does: 'registers a document as a plan, bound to `file` if it is that file’s text, which is read as `file_as` from now on; with `adopt` its branch may be one that stator did not make, and the plan continues from its head',
    who: 'person',
    needs: 'steer',
    bodyLimitBytes,
    creates: true,
    input: (schemas) => ({
      project: schemas.name,
      plan: schemas.line(256),
      content: schemas.z.string(),
      branch: schemas.line(200).optional(),
      topic: schemas.line(200).optional(),
      file: filePath(schemas).optional(),
      ...families(schemas),
      adopt: schemas.z.boolean().optional(),
    }),
    answer: shown,
    errors: ['bad_plan', 'repo_not_found', 'conflict', 'branch_taken'],
    run: ({ commands }, asked) => commands.registerDocument(asked),
  }),
  plan: operation({
    http: 'GET /v1/repos/:project/plans/:plan',
    does: 'a plan with its waves and tasks',
    who: 'anyone',
    inRuns: true,
    input: named,
    answer: shown,
    errors: lookErrors,
    run: ({ views }, { project, plan }) => views.plan(project, plan),
    tool: {
      name: 'task_show',
      does: 'Shows a plan: its document, its waves and tasks, its agents’ runs, its branch, what it waits for.',
      text: ({ content, ...rest }: PlanShow) => `${content.trimEnd()}\n\n${JSON.stringify(rest)}`,
    },
    verb: {
      name: 'show',
      listed: 'show its waves and tasks; print a prompt',
      summary: 'Show one plan with its waves and tasks.',
      of: 'plan',
      flags: {
        content: { type: 'boolean', description: 'print the document instead' },
        draft: { type: 'string', valueHint: 'number', description: 'print that draft of several planners instead' },
      },
      examples: ['stator plan show login', 'stator plan show login --content > login.md'],
    },
  }),
  deletePlan: operation({
    http: 'DELETE /v1/repos/:project/plans/:plan',
    does: 'deletes a plan; 409 while it is under way. `clear` also deletes its worktrees, or its branches and worktrees; if work would be lost (unmerged, uncommitted) or is in use, and no parameter of that name permits it, nothing is deleted',
    who: 'person',
    input(schemas) {
      const flag = schemas.flag.optional();
      return { ...named(schemas), ...clear(schemas), unmerged: flag, uncommitted: flag, in_use: flag };
    },
    answer: answerOf<PlanDeleted>(({ shapes }) => shapes.planDeleted),
    errors: ['plan_not_found', 'conflict', 'refused'],
    run: ({ commands }, { project, plan, clear = null, ...permitted }) =>
      commands.deletePlan({ project, plan, clear, overrides: overrides.filter((each) => permitted[each] === true) }),
    tool: {
      name: 'task_delete',
      does: 'Forgets a plan that is not under way. Its branches and worktrees stay.',
      ends: true,
      answers: {
        shape: ({ z, shapes }) =>
          z.object({ filename: z.string(), deleted: z.literal(true), answer: shapes.planDeleted }),
        from: (answer, { plan }) => ({ filename: plan, deleted: true, answer }),
      },
    },
  }),
  planLeftovers: operation({
    http: 'GET /v1/repos/:project/plans/:plan/leftovers',
    does: 'what would be deleted with a plan by `clear` (default: branches), and what would stay and why',
    who: 'person',
    input: (schemas) => ({ ...named(schemas), ...clear(schemas) }),
    answer: answerOf<PlanLeftovers>(({ shapes }) => shapes.planLeftovers),
    errors: ['plan_not_found', 'conflict'],
    run: ({ commands }, { clear = null, ...of }) => commands.planLeftovers({ ...of, clear }),
  }),
  updateContent: operation({
    http: 'PUT /v1/repos/:project/plans/:plan/content',
    does: 'replaces the document; `file` if it is the text of the plan’s file, to which a plan without a file is then bound',
    who: 'own',
    needs: 'steer',
    inRuns: true,
    bodyLimitBytes,
    input: (schemas) => ({
      ...named(schemas),
      content: schemas.z.string(),
      file: filePath(schemas).optional(),
      ...families(schemas),
    }),
    answer: verdict,
    verdict: 'plan',
    errors: ['bad_plan', 'conflict', ...admissionErrors],
    run: ({ commands }, asked, sender) => commands.updateDocument(asked, sender),
  }),
  takeFile: operation({
    http: 'PUT /v1/repos/:project/plans/:plan/file',
    does: 'binds a plan to its file, and stores the text as the known one: that is no edit of the plan',
    who: 'person',
    needs: 'steer',
    bodyLimitBytes,
    input: (schemas) => ({
      ...named(schemas),
      file: filePath(schemas),
      content: schemas.z.string(),
      ...families(schemas),
    }),
    answer: shown,
    errors: ['bad_plan', 'plan_not_found', 'conflict'],
    run: ({ commands }, asked) => commands.takeFile(asked),
  }),
  pushPlan: operation({
    http: 'POST /v1/repos/:project/plans/:plan/push',
    does: 'pushes its branch to `remote`, or to the remote that git would choose, with the user’s hooks and never by force',
    who: 'person',
    needs: 'steer',
    input: (schemas) => ({ ...named(schemas), remote: schemas.line(255).optional() }),
    answer: answerOf<PlanPushed>(({ shapes }) => shapes.planPushed),
    errors: ['plan_not_found', 'repo_not_found', 'refused', 'git_failed'],
    run: ({ commands }, { remote = null, ...of }) => commands.pushPlan({ ...of, remote }),
    verb: {
      name: 'push',
      listed: 'push it; open a pull request',
      summary: 'Push the branch of a plan, with your own hooks and credentials, and never by force.',
      of: 'plan',
      args: {
        remote: { type: 'string', valueHint: 'name', description: 'to this remote; default: the one of git' },
      },
      slow: ({ plan }) => `${plan} is being pushed; git waits for the remote, or for a hook of yours`,
      examples: ['stator plan push login'],
      more: 'Refused if the remote has commits that are missing here. A pre-push hook may take up to 10 minutes.',
    },
  }),
  history: operation({
    http: 'GET /v1/repos/:project/plans/:plan/history',
    does: 'up to 1,000 lines of its journal, those after `after`',
    who: 'anyone',
    inRuns: true,
    input: (schemas) => ({ ...named(schemas), after: schemas.digits.optional() }),
    answer: listOf<HistoryEntry>(({ shapes }) => shapes.historyEntry),
    errors: lookErrors,
    run: ({ views }, { project, plan, after = 0 }) => views.history(project, plan, after),
    tool: {
      name: 'task_history',
      does: 'Lists what happened to a plan: up to 1,000 lines of its journal, the oldest first.',
      takes: { after: { as: ({ count }) => count.describe('only lines with a higher seq').optional() } },
      answers: {
        shape: ({ z, count, shapes }) => z.object({ lines: z.array(shapes.historyEntry), next_after: count }),
        from: (lines, { after = 0 }) => ({ lines, next_after: lines.at(-1)?.seq ?? after }),
      },
    },
    verb: {
      name: 'history',
      listed: 'print its history',
      summary: 'Print what happened to a plan, and why, including refusals.',
      of: 'plan',
      args: {
        after: {
          type: 'string',
          valueHint: 'seq',
          description: 'only events after that journal line; --verbose shows the numbers',
          number: '--after',
          orZero: true,
        },
      },
      isLong: true,
      examples: ['stator plan history login', 'stator plan history login --json --after 120'],
      more: '--verbose prints every journal line, with the actors, events and states of the machines.',
    },
  }),
  planTrace: operation({
    http: 'GET /v1/repos/:project/plans/:plan/trace',
    does: 'a plan as a trace of OpenTelemetry: waves, tasks, agents, runs and other work as spans, in the JSON that `/v1/traces` of a collector takes; the same ids at each request',
    who: 'anyone',
    input: named,
    answer: answerOf<PlanTrace>(({ shapes }) => shapes.planTrace),
    errors: lookErrors,
    run: ({ views }, { project, plan }) => views.planTrace(project, plan),
  }),
  explain: operation({
    http: 'GET /v1/repos/:project/plans/:plan/explain',
    does: 'what a plan waits for, and the signals that it accepts',
    who: 'anyone',
    inRuns: true,
    input: named,
    answer: answerOf<Explanation>(({ shapes }) => shapes.explanation),
    errors: lookErrors,
    run: ({ views }, { project, plan }) => views.explain(project, plan),
    tool: {
      name: 'task_explain',
      does: 'Says why a plan stands where it does, and which signals it would accept now.',
    },
    verb: {
      name: 'explain',
      listed: 'why it waits',
      summary: 'Explain what a plan waits for, which signals it accepts, and what it refused last.',
      of: 'plan',
      examples: ['stator plan explain login'],
    },
  }),
  planStates: operation({
    http: 'GET /v1/repos/:project/plans/:plan/states',
    does: 'the states and contexts of its actors, now or after line `at` of its journal',
    who: 'anyone',
    inRuns: true,
    input: (schemas) => ({ ...named(schemas), at: schemas.digits.optional() }),
    answer: answerOf<PlanStates>(({ shapes }) => shapes.planStates),
    errors: lookErrors,
    run: ({ views }, { at = null, ...of }) => views.planStates({ ...of, at }),
  }),
  planReplay: operation({
    http: 'GET /v1/repos/:project/plans/:plan/replay',
    does: 'the plan as it was after line `to` of its journal, or at the time `at`: rebuilt from the journal alone',
    who: 'anyone',
    input: (schemas) => ({ ...named(schemas), ...schemas.moment }),
    answer: answerOf<PlanReplay>(({ shapes }) => shapes.planReplay),
    errors: pastErrors,
    run: ({ views }, { project, plan, ...moment }) => views.planReplay(project, plan, momentOf(moment)),
    verb: {
      name: 'replay',
      listed: 'show its past; check its journal',
      summary: 'Show a plan as it was, or what it would have become with other inputs.',
      of: 'plan',
      args: momentArgs,
      instead: { name: 'whatIf', args: whatIfArgs },
      check(typed) {
        checkWhatIf(typed);
        checkMoment(typed);
      },
      examples: ['stator plan replay login --policy max_agents=6'],
      more: 'No agent starts. The journal is replayed up to the line where the other inputs make a difference. From there the plan is simulated.',
    },
  }),
  whatIf: operation({
    http: 'POST /v1/repos/:project/plans/:plan/what-if',
    does: 'the plan’s course with other inputs: its journal is replayed up to the point where they matter, and simulated from there; nothing is carried out',
    again: 'free',
    who: 'person',
    needs: 'look',
    input: (schemas) => ({ ...named(schemas), ...schemas.shapes.whatIfQuestion.shape }),
    answer: answerOf<WhatIf>(({ shapes }) => shapes.whatIf),
    errors: pastErrors,
    run: ({ whatIf }, question) => whatIf(question),
  }),
  verifyPlan: operation({
    http: 'GET /v1/repos/:project/plans/:plan/verify',
    does: 'whether a plan’s stored state matches its journal; nothing is changed',
    who: 'anyone',
    input: named,
    answer: verified,
    errors: lookErrors,
    run: ({ views }, of) => views.verifyPlan(of),
    verb: {
      name: 'verify',
      listed: { with: 'replay' },
      summary: 'Check that the stored state of a plan is what its journal leads to.',
      of: 'plan',
      instead: {
        name: 'verify',
        args: {
          all: { type: 'boolean', description: 'every plan, repo and own machine, and the supervisor', field: null },
        },
      },
      check({ all, plan }) {
        if (all === true && plan !== undefined)
          throw new EngineError('usage', `--all is for every plan, and "${plan}" is one`, 'give one of them');
      },
      isDone: ({ ok }) => ok,
      examples: ['stator plan verify --all'],
      more: 'Exit code 1: what is stored differs from the journal, or a line was changed.',
    },
  }),
  verify: operation({
    http: 'GET /v1/verify',
    does: 'the same for every plan, every repo, the supervisor, and every tree of a machine of your own; with `sample` for that many of them, chosen at random',
    who: 'person',
    input: ({ digits }) => ({ sample: digits.optional() }),
    answer: verified,
    run: ({ views }, { sample }) => views.verify(sample === undefined ? 'all' : { sample }),
  }),
  prompt: operation({
    http: 'GET /v1/repos/:project/plans/:plan/prompt',
    does: 'the prompt that an agent would get now: the agent of `task` (`w1-t2`), of `role`, or the one that works or would start next',
    who: 'anyone',
    inRuns: true,
    input: (schemas) => ({
      ...named(schemas),
      task: schemas.line(20).optional(),
      role: schemas.line(20).optional(),
    }),
    answer: answerOf<PromptShow>(({ shapes }) => shapes.promptShow),
    errors: ['plan_not_found', 'conflict', 'bad_config', 'agent_unusable'],
    run: ({ views }, asked) => views.prompt(asked),
    verb: {
      name: 'prompt',
      listed: { with: 'show' },
      summary: 'Print the prompt of the agent that works now or would start next, or of the agent that you name.',
      of: 'plan',
      args: {
        task: { type: 'string', valueHint: 'w1-t2', description: 'of the agent of that wave and task' },
        role: { type: 'string', valueHint: 'role', description: 'such as planner, coder, reviewer, fixer, verifier' },
      },
      examples: [
        'stator plan prompt login',
        'stator plan prompt login --task w1-t2',
        'stator plan prompt login --role reviewer',
      ],
      more: 'A repo can replace the prompt with .stator/prompts/<role>.md; see docs/prompts.md.',
    },
  }),
  planDiff: operation({
    http: 'GET /v1/repos/:project/plans/:plan/diff',
    does: 'the changes of a plan since it was begun, or of one `task` (`w1-t2`); with `to` or `at` up to that line of its journal or that time',
    who: 'anyone',
    inRuns: true,
    input: (schemas) => ({ ...named(schemas), ...schemas.moment, task: schemas.line(20).optional() }),
    answer: answerOf<PlanDiff>(({ shapes }) => shapes.planDiff),
    errors: diffErrors,
    run: ({ views }, { to, at, ...asked }) => views.planDiff({ ...asked, moment: pastOf({ to, at }) }),
    tool: {
      name: 'task_diff',
      does: 'Shows what a plan has changed since it began, or what one task of it brought.',
      takes: { task: 'such as w1-t2' },
    },
    verb: {
      name: 'diff',
      listed: 'print its diff',
      summary: 'Print the diff of what a plan, or one of its tasks, has committed.',
      of: 'plan',
      args: {
        task: { type: 'string', valueHint: 'w1-t2', description: 'only of that wave and task' },
        ...momentArgs,
      },
      check: checkMoment,
      flags: { stat: { type: 'boolean', description: 'only the files, with the number of changed lines' } },
      isLong: true,
      examples: ['stator plan diff login --task w1-t2', 'stator plan diff login --at 14:30 --stat'],
      more: 'Prints at most 20,000 changed lines and 1 MiB. Merging the plan into your branch does not change its diff.',
    },
  }),
  planChanges: operation({
    http: 'GET /v1/repos/:project/plans/:plan/diff/files',
    does: 'the files of the same changes, 1,000 at once, without their texts; with `since` only what changed after that line of its journal',
    who: 'anyone',
    input: changes,
    answer: answerOf<PlanChanges>(({ shapes }) => shapes.planChanges),
    errors: diffErrors,
    run: ({ views }, { to, at, ...asked }) => views.planChanges({ ...asked, moment: pastOf({ to, at }) }),
  }),
  planFileDiff: operation({
    http: 'GET /v1/repos/:project/plans/:plan/diff/file',
    does: 'the changes of one file, in parts: `next` of an answer is `after` of the next one, and its `from` and `to` say whether both are of the same change; `context` is the number of unchanged lines around each change',
    who: 'anyone',
    input: (schemas) => ({
      ...changes(schemas),
      // Git's name of a file may hold any character.
      path: schemas.z.string().min(1).max(4096),
      context: schemas.digits.pipe(schemas.z.number().max(contextLimit)).optional(),
    }),
    answer: answerOf<FileDiff>(({ shapes }) => shapes.fileDiff),
    errors: diffErrors,
    run: ({ views }, { to, at, ...asked }) => views.planFileDiff({ ...asked, moment: pastOf({ to, at }) }),
  }),
  planComments: operation({
    http: 'GET /v1/repos/:project/plans/:plan/comments',
    does: 'what people said of lines of its changes, with the commits that answer it, and whether a suggested replacement is in its branch exactly as it was written',
    who: 'anyone',
    input: named,
    answer: answerOf<PlanComments>(({ shapes }) => shapes.planComments),
    errors: diffErrors,
    run: ({ views }, of) => views.planComments(of),
  }),
  tasks: operation({
    http: 'GET /v1/repos/:project/tasks',
    does: 'the plans of a repo in kasmos’s format',
    who: 'anyone',
    input: ofRepo,
    answer: listOf<OlderTask>(({ shapes }) => shapes.olderTask),
    errors: ['repo_not_found'],
    run({ views }, { project }) {
      views.mustKnow(project);
      return views.olderTasks(project);
    },
  }),
  soloPlan: operation({
    http: 'POST /v1/repos/:project/plans/:plan/solo',
    does: 'has one coder do all of a draft, without a planner; `prompt` is appended to the document; 409 without a verdict means that nothing has changed',
    who: 'person',
    needs: 'steer',
    input: (schemas) => ({ ...named(schemas), prompt: schemas.shapes.messageText.default('') }),
    answer: verdict,
    verdict: 'plan',
    errors: ['bad_plan', 'conflict', 'agent_unusable', 'untrusted', 'branch_taken', ...admissionErrors],
    async run({ commands }, { project, plan, prompt }) {
      return (await commands.soloPlan({ project, plan: withoutSuffix(plan), words: prompt })).answer;
    },
  }),
  liveStatus: operation({
    http: 'GET /v1/repos/:project/live-status',
    does: 'a repo at this moment: counts, agents, what needs a person; `cap` is the most entries of a list, 20 by default, at most 100',
    who: 'anyone',
    input: ({ name, z, shapes }) => ({
      project: name,
      cap: z
        .string()
        .regex(/^-?\d{1,9}$/, 'must be an integer')
        .transform((text) => Math.min(shapes.liveStatusCap.most, Math.max(0, Number(text))))
        .optional(),
    }),
    answer: answerOf<LiveStatus>(({ shapes }) => shapes.liveStatus),
    errors: ['repo_not_found'],
    async run(parts, { project, cap }) {
      const { liveStatusOf } = await loadLiveStatus();
      return liveStatusOf(parts, project, cap);
    },
    tool: {
      name: 'live_status',
      does: 'A repo at this moment, in brief: plans by status, agents at work, what needs a person.',
      takes: { cap: { as: ({ z, shapes }) => z.int().min(0).max(shapes.liveStatusCap.most).optional() } },
    },
  }),
};

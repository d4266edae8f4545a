/** Plans: listed, registered, changed, deleted and shown. What else is read of one is in `plan-reads.ts`, their signals in `signal.ts`. */
import { EngineError } from '../../../machines/vocabulary/errors.ts';
import { planNameOf } from '../../../machines/vocabulary/ids.ts';
import { planDocumentLimitBytes } from '../../../machines/vocabulary/plan-file.ts';
import { planStatuses } from '../../../machines/vocabulary/plan-status.ts';
import { didYouMean } from '../../base/config/nearest.ts';
import { later } from '../../base/platform/later.ts';
import type { OperationParts } from '../commands/commands.ts';
import { admissionErrors } from '../contract/admission-errors.ts';
import type { CleaningOverride, PlanDeleted, PlanLeftovers } from '../contract/cleaning.ts';
import type { LiveStatus } from '../contract/live-status.ts';
import type { DocumentCheck, OlderTask, PlanEntry, PlanPushed, PlanShow } from '../contract/plans.ts';
import type { SignalAnswer } from '../contract/signals.ts';
import { answerOf, listOf, operationWith, type Schemas } from './operation.ts';
import { planReads } from './plan-reads.ts';

const operation = operationWith<OperationParts>();
const loadReading = later(() => import('../../../machines/document/read-plan.ts'));
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

/** A document, as a tool takes it. */
const markdown = ({ z }: Schemas) => z.string().max(planDocumentLimitBytes).describe('the document, in markdown');

/** The mistakes of a document, with their lines: with one it is a draft. */
async function problemsOf(text: string) {
  const { readPlan } = await loadReading();
  return readPlan({ text, path: '', beside: [] }).problems;
}

const shown = answerOf<PlanShow>(({ shapes }) => shapes.planShow);
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
    tool: {
      name: 'task_create',
      does: 'Registers a plan. A document with waves can be implemented; any other text is a draft, which plan_start has a planner write.',
      takes: {
        plan: { named: 'name', as: ({ line }) => line(256).describe('the plan’s name, or a title that makes one') },
        description: {
          as: ({ z }) => z.string().max(4096).describe('the draft’s text, if no content is given').optional(),
        },
        branch: '',
        topic: 'plans with the same topic are implemented one at a time',
        content: { as: (schemas) => markdown(schemas).optional() },
        project: '',
      },
      asks: ({ plan: title, description, content, ...of }) => ({
        ...of,
        plan: newPlanName(String(title)),
        content: newDocument(String(title), { description, content }),
      }),
      answers: {
        shape: ({ z, shapes }) =>
          z.object({
            filename: z.string(),
            status: shapes.status,
            created: z.literal(true),
            phase: z.string().nullable(),
            problems: shapes.documentCheck.shape.problems,
          }),
        async from({ plan, content, status, phase }) {
          return { filename: plan, status, created: true, phase, problems: await problemsOf(content) };
        },
      },
    },
  }),
  plan: operation({
    http: 'GET /v1/repos/:project/plans/:plan',
    does: 'a plan with its waves and tasks',
    who: 'anyone',
    inRuns: true,
    input: named,
    answer: shown,
    errors: ['plan_not_found'],
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
    again: 'signal',
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
    errors: ['bad_plan', 'conflict', 'limit_reached', ...admissionErrors],
    run: ({ commands }, asked, sender) => commands.updateDocument(asked, sender),
    tool: {
      name: 'task_update_content',
      does: 'Replaces the document of a plan. Tasks that did not change keep their progress.',
      takes: { content: { as: markdown }, project: '' },
      asks: ({ content, ...of }) => ({ ...of, content: unescaped(String(content)) }),
      answers: {
        shape: ({ z, shapes }) =>
          z.object({
            filename: z.string(),
            ...shapes.signalAnswer.shape,
            updated: z.literal(true),
            problems: shapes.documentCheck.shape.problems,
          }),
        async from(answer, { plan, content }) {
          return { filename: plan, updated: true, ...answer, problems: await problemsOf(unescaped(content)) };
        },
      },
    },
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
  ...planReads,
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
    errors: ['bad_plan', 'conflict', 'agent_unusable', 'branch_taken', ...admissionErrors],
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

/** The plan name that is derived from a title. Throws `bad_request`. */
function newPlanName(title: string): string {
  const name = planNameOf(title);
  if (name !== null) return name;
  throw new EngineError('bad_request', `"${title}" makes no name for a plan`, 'use letters, digits, ".", "_" and "-"');
}

/** The document of a new plan: the content, or without one a draft with that title and description. */
function newDocument(
  title: string,
  { description = '', content = '' }: { readonly description?: unknown; readonly content?: unknown },
): string {
  const given = String(content);
  if (given.trim() !== '') return unescaped(given);
  return `# ${title}\n${description === '' ? '' : `\n${description}\n`}`;
}

/** Corrects a document of clients that send `\n` as two characters and no line break. */
function unescaped(content: string): string {
  if (content.includes('\n') || !/\\[nr]/.test(content)) return content;
  try {
    return String(JSON.parse(`"${content.replaceAll(/(?<!\\)"/g, '\\"')}"`));
  } catch {
    return content; // a text that is not JSON is used unchanged
  }
}

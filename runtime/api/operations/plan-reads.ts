/** What is read of one plan: its history, its states now and in the past, its prompt, its changes and the comments on them. */
import { EngineError } from '../../../machines/vocabulary/errors.ts';
import type { OperationParts } from '../commands/commands.ts';
import type {
  Explanation,
  FileDiff,
  HistoryEntry,
  PlanChanges,
  PlanComments,
  PlanDiff,
  PlanReplay,
  PlanStates,
  PromptShow,
  Verification,
  WhatIf,
} from '../contract/plans.ts';
import type { PlanTrace } from '../contract/traces.ts';
import { machineOperations } from './machine.ts';
import { answerOf, listOf, operationWith, type Schemas, toolPage, toolPageLength } from './operation.ts';
import { checkPointInTime, pastOf, pointInTimeArgs, pointInTimeOf } from './point-in-time.ts';
import { checkWhatIf, whatIfArgs } from './what-if-args.ts';

const operation = operationWith<OperationParts>();

const named = ({ name }: Schemas) => ({ project: name, plan: name });
const changes = (schemas: Schemas) => ({
  ...named(schemas),
  ...schemas.pointInTime,
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

const verified = answerOf<Verification>(({ shapes }) => shapes.verification);

export const planReads = {
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
      does: `Lists what happened to a plan: lines of its journal, the oldest first; ${toolPageLength} at once.`,
      takes: {
        after: {
          as: ({ count }) => count.describe('only lines with a higher seq; next_after of the page before').optional(),
        },
      },
      answers: {
        shape: ({ z, count, shapes }) => z.object({ lines: z.array(shapes.historyEntry), next_after: count }),
        from(all, { after = 0 }) {
          const lines = toolPage(all, 0);
          return { lines, next_after: lines.at(-1)?.seq ?? after };
        },
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
      isPaged: true,
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
      does: 'Says why a plan is in its state, and which signals it would accept now.',
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
    input: (schemas) => ({ ...named(schemas), ...schemas.pointInTime }),
    answer: answerOf<PlanReplay>(({ shapes }) => shapes.planReplay),
    errors: pastErrors,
    run: ({ views }, { project, plan, ...moment }) => views.planReplay(project, plan, pointInTimeOf(moment)),
    verb: {
      name: 'replay',
      listed: 'show its past; check its journal',
      summary: 'Show a plan as it was, or what it would have become with other inputs.',
      of: 'plan',
      args: pointInTimeArgs,
      instead: { name: 'whatIf', args: whatIfArgs },
      ofTree: { name: 'machineReplay', operation: machineOperations.machineReplay },
      check(typed) {
        checkWhatIf(typed);
        checkPointInTime(typed);
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
      ofTree: { name: 'verifyMachine', operation: machineOperations.verifyMachine },
      check({ all, plan }) {
        if (all === true && plan !== undefined)
          throw new EngineError('usage', `--all is for every plan, and "${plan}" is one`, 'give one of them');
      },
      isDone: ({ ok }) => ok,
      examples: ['stator plan verify --all'],
      more: 'Exit code 1: something differs, a line was changed, or was not compared.',
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
    input: (schemas) => ({ ...named(schemas), ...schemas.pointInTime, task: schemas.line(20).optional() }),
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
        ...pointInTimeArgs,
      },
      check: checkPointInTime,
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
};

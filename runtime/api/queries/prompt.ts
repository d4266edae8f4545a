/** The prompt that an agent of a plan would get now: for an existing agent the prompt of its next run, otherwise for the agent that would start next. */
import { actorsOf, snapshotOf } from '../../../actors/addressee.ts';
import { runOf } from '../../../actors/plan.ts';
import { planContext, planSummary } from '../../../actors/plan-view.ts';
import type { Tree } from '../../../actors/tree.ts';
import type { AgentContext } from '../../../machines/agent/context.ts';
import { parsePlan } from '../../../machines/document/plan-document.ts';
import { isSession, isSmall, nextWave, type PlanContext } from '../../../machines/plan/context.ts';
import type { GivenMessages } from '../../../machines/vocabulary/agent-message.ts';
import { type AgentRun, placeOf } from '../../../machines/vocabulary/effect.ts';
import { EngineError, planNotFound } from '../../../machines/vocabulary/errors.ts';
import {
  effectKey,
  instanceTitle,
  isWorker,
  planTree,
  type Role,
  roles,
  type TaskPlace,
  taskBranch,
  taskName,
  taskNamed,
} from '../../../machines/vocabulary/ids.ts';
import { agentOfAll, taskAgent } from '../../../machines/vocabulary/task-agent.ts';
import type { AgentProfile } from '../../base/config/config.ts';
import { didYouMeanAfter } from '../../base/config/nearest.ts';
import { lookAtAccounts, profileOf } from '../../work/agents/accounts.ts';
import { composePrompt } from '../../work/agents/prompt.ts';
import type { RunBrief } from '../../work/agents/run-brief.ts';
import { draftsFor, promptOptions } from '../../work/effects/agent-prompt.ts';
import { previousDiff, runBefore } from '../../work/effects/agent-start.ts';
import { conversationFor } from '../../work/effects/conversation.ts';
import { messagesOf } from '../../work/effects/prompt-messages.ts';
import type { PromptShow } from '../contract/plans.ts';
import type { ViewDependencies } from './view-dependencies.ts';

export interface PromptQuestion {
  readonly project: string;
  readonly plan: string;
  /** `w1-t2`: the prompt of that task's worker. */
  readonly task?: string | undefined;
  readonly role?: string | undefined;
}

interface Whom {
  readonly role: Role;
  readonly wave: number | null;
  readonly task: number | null;
}

export function createPromptView(parts: ViewDependencies) {
  const { store, cache, projects, env, clock } = parts;

  /** The profile of the current run, otherwise of the agent that would start now: another profile may be used while an account is limited. */
  async function profileFor(project: string, run: AgentRun, key: string | null): Promise<AgentProfile> {
    const { profiles } = projects.get(project).config;
    if (key !== null) return profileOf(profiles, { role: run.role, run: await store.run(key) });
    const profileChoices = await lookAtAccounts({ store, projects, env, nowMs: () => clock.nowMs() });
    return profileChoices.choiceOf(project, run.role, run.attempt, run.agent)?.profile ?? profiles[run.role];
  }

  return {
    /**
     * Starts, makes and writes nothing. Throws `plan_not_found`, `bad_request` for an unknown role or task, `conflict` if no agent would start and none is
     * named, and the errors that the run itself would get when it builds its prompt.
     */
    async prompt({ project, plan, ...question }: PromptQuestion): Promise<PromptShow> {
      const entry = (await store.plan(project, plan)) === null ? null : await cache.get(planTree(project, plan));
      if (entry === null) throw planNotFound(project, plan);
      const run = runFor(entry.tree, askedFor(plan, question));
      const key = effectKey(planTree(project, plan), run.id);
      const status = (await store.effect(key))?.status;
      const isOpen = status === 'queued' || status === 'running';
      const content = (await store.planText(project, plan)) ?? '';
      const site = { project: projects.get(project), repository: await projects.repository(project) };
      // Between two runs, the last run is the previous one. A queued or current run has its own predecessor.
      const before = await runBefore(parts, { project, plan, key: isOpen ? key : '' }, run);
      const profile = await profileFor(project, run, status === 'running' ? key : null);
      const row = { project, plan, key: isOpen ? key : '' };
      const talk = await conversationFor(parts, { effect: run, row, profile });
      const brief: RunBrief = {
        run,
        project,
        plan,
        content,
        document: parsePlan(content).document,
        profile,
        previousDiff: await previousDiff(site.repository, before),
        ...(await draftsFor(store, { project, plan }, run)),
        ...talk,
        words: withOpenQuestion(entry.tree, {
          title: run.title,
          words: await messagesOf(store, { project, plan, title: run.title, conversation: talk.conversation }),
        }),
      };
      const feedbackFile = "feedback.md in the run's folder";
      const planFile = "plan.md in the run's folder";
      const options = await promptOptions(parts, site, brief);
      const { text, source } = composePrompt(brief, { ...options, feedbackFile, planFile });
      return { project, plan, role: run.role, task: taskWord(run), prompt: text, source };
    },
  };
}

/** As if a person continued the agent without an answer: the prompt then repeats its question. */
function withOpenQuestion(
  tree: Tree,
  { title, words }: { readonly title: string; readonly words: GivenMessages },
): GivenMessages {
  const open = planContext(tree).questions.find((question) => question.title === title && question.run !== null);
  return open === undefined ? words : { ...words, question: open.question, answer: null };
}

function taskWord({ wave, task }: Pick<AgentRun, 'wave' | 'task'>): string | null {
  return wave === null || task === null ? null : taskName(wave, task);
}

interface Asked {
  readonly plan: string;
  readonly role: Role | null;
  readonly at: TaskPlace | null;
}

function askedFor(plan: string, { task, role }: Pick<PromptQuestion, 'task' | 'role'>): Asked {
  const known = role === undefined ? null : roleNamed(role);
  if (task === undefined) return { plan, role: known, at: null };
  const found = taskNamed(task.trim().toLowerCase());
  if (found === null)
    throw new EngineError('bad_request', `task: "${task.slice(0, 60)}" is no task`, 'say wave and task such as w1-t2');
  if (known !== null && (!isWorker(known) || known === 'fixer'))
    throw new EngineError(
      'bad_request',
      `a ${known} has no task of its own: it works for the whole plan`,
      `leave one out: stator plan prompt ${plan} --role ${known}, or: stator plan prompt ${plan} --task ${task.trim()}`,
    );
  return { plan, role: known, at: found };
}

function roleNamed(word: string): Role {
  const role = roles.find((candidate) => candidate === word);
  if (role !== undefined) return role;
  throw new EngineError(
    'bad_request',
    `role: unknown role "${word.slice(0, 60)}"${didYouMeanAfter(word, roles)}`,
    `one of: ${roles.join(', ')}`,
  );
}

function runFor(tree: Tree, asked: Asked): AgentRun {
  const living = [...actorsOf(tree.root)].flatMap((ref) => {
    const { machine, status, context } = snapshotOf(ref);
    return machine.id === 'agent' && status === 'active' ? [context as AgentContext] : []; // the machine's id guarantees it
  });
  const isMeant = ({ role, wave, task }: AgentContext) =>
    (asked.role === null || role === asked.role) &&
    (asked.at === null || (wave === asked.at.wave && task === asked.at.task));
  const found = living.find(isMeant);
  if (found !== undefined) return runOf(found);
  const context = planContext(tree);
  return firstRun(context, whom(tree, context, asked));
}

function whom(tree: Tree, context: PlanContext, { plan, role, at }: Asked): Whom {
  if (at !== null) return { role: role ?? 'coder', ...at };
  const next = nextRole(tree, context);
  if (role === null && next !== null) return next;
  if (role !== null) return next?.role === role ? next : { role, wave: null, task: null };
  const { status } = planSummary(tree);
  throw new EngineError(
    'conflict',
    `plan ${context.project}/${plan} is ${status}: no agent starts by itself`,
    `name a role: stator plan prompt ${plan} --role reviewer`,
  );
}

/** The agent that would start next from the plan's state, even if it is blocked or paused; null: none starts automatically. */
function nextRole(tree: Tree, context: PlanContext): Whom | null {
  const alone = (role: Role): Whom => ({ role, wave: null, task: null });
  const { status, phase } = planSummary(tree);
  switch (status) {
    case 'ready':
      return phase === 'planned' ? worker(context) : alone('planner');
    case 'planning':
      return alone('planner');
    case 'implementing':
      if (phase === 'fixing') return alone(isSession(context) ? 'session' : 'fixer');
      return phase === 'architecting' ? alone('architect') : worker(context);
    case 'reviewing':
      return alone('reviewer');
    case 'verifying':
      return alone('verifier');
    default:
      return null;
  }
}

function worker(context: PlanContext): Whom {
  const alone = (role: Role): Whom => ({ role, wave: null, task: null });
  if (isSmall(context)) return alone(isSession(context) ? 'session' : 'coder');
  const { architect } = context.policy.roles;
  const wave = nextWave(context);
  const isBegun = context.wave !== 0 || context.wantedWave !== null;
  if (architect.on && !context.elaborated && !isBegun && wave !== null) return alone('architect');
  const tasks = context.waves.find(({ number }) => number === wave)?.tasks ?? [];
  const open = tasks.find(({ number }) => context.results[wave ?? 0]?.[number]?.status !== 'done');
  return wave === null || open === undefined ? alone('reviewer') : { role: 'coder', wave, task: open.number };
}

/** The first run of an agent that does not exist yet, as the plan would request it. */
function firstRun(
  { plan, branch, rounds, policy, feedback, session, waves }: PlanContext,
  { role, wave, task }: Whom,
): AgentRun {
  const round = role === 'reviewer' || role === 'fixer' || role === 'verifier' ? rounds[role] + 1 : 1;
  const isApart = wave !== null && task !== null && policy.isolation === 'task';
  const tasks = waves.flatMap(({ number, tasks: own }) => own.map((each) => ({ ...each, wave: number })));
  const small = policy.roles.coder.small;
  const own = tasks.find((each) => each.wave === wave && each.number === task);
  const ofTask = own === undefined ? undefined : taskAgent(own, small)?.agent;
  const agent = role !== 'coder' ? undefined : task === null ? agentOfAll(tasks, small) : ofTask;
  const ownBranch = isApart ? taskBranch(branch, wave, task) : branch;
  return {
    kind: 'agent.run',
    id: 'next',
    title: instanceTitle({ plan, role, wave, task, round }),
    role,
    attempt: 1,
    wave,
    task,
    place: placeOf({ branch: ownBranch, from: branch, ...session }),
    idleMs: policy.roles[role].idleMs,
    feedback,
    previous: null,
    start: 'begin',
    ...(agent === undefined ? {} : { agent }),
  };
}

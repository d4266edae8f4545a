/**
 * The tools that are not those of one operation: they make several requests, choose between operations, ask a person, or wait. Tools and fields have kasmos's
 * names if kasmos has them: there a plan is a task.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import { EngineError } from '../../../machines/vocabulary/errors.ts';
import { type forceTargets, planStatuses } from '../../../machines/vocabulary/plan-status.ts';
import { isFinal } from '../../../machines/vocabulary/run-state.ts';
import { type SignalType, signalTypeOf } from '../../../machines/vocabulary/signal.ts';
import type { Client, PlanShow } from '../client/client.ts';
import { noteKept } from '../contract/notes.ts';
import { factEntry, planEntry, planShow } from '../contract/plans.ts';
import { repoAdded, statusAnswer } from '../contract/repos.ts';
import { queueEntry, queueStats } from '../contract/runs.ts';
import { count, status } from '../contract/shared-shapes.ts';
import { signalAnswer } from '../contract/signals.ts';
import { line } from '../control/requests.ts';
import { toolOffset, toolPage, toolPageLength } from '../operations/operation.ts';
import { withCaller } from './caller.ts';
import { type AnyTool, type Ask, accepted, filename, planOf, project, title, tool, withKnown } from './tool.ts';
import { defaultWaitSeconds, waitFor, waitLimitSeconds, waitUntil } from './wait.ts';

const text = z.string().max(65_536);
const listed = planEntry.extend({ filename: z.string(), description: z.string() });
const verdict = { filename: z.string(), ...signalAnswer.shape };

/**
 * A merge takes well under a second. A merge that waits for other git work, or a push with a person's own hooks, takes longer and goes on after this time.
 */
const mergeMs = 40_000;
const pollMs = 100;

/** The status in which `force` puts a plan: the event's target when it is accepted. */
const targets: Partial<Record<SignalType, (typeof forceTargets)[number]>> = {
  plan_start: 'planning',
  planner_finished: 'planned',
  implement_start: 'implementing',
  implement_finished: 'reviewing',
  review_approved: 'verifying',
  review_changes_requested: 'implementing',
  verify_approved: 'done',
  verify_failed: 'implementing',
  mark_done: 'done',
  start_over: 'planning',
  reimplement: 'implementing',
  request_review: 'reviewing',
  cancel: 'cancelled',
  reopen: 'planning',
};

/** Sends a signal with a key, so that it can be sent again if the engine goes away. Throws `refused`. */
async function send(
  ask: Pick<Ask<unknown>, 'with'>,
  signal: { readonly plan: string; readonly type: string; readonly payload?: unknown },
) {
  const dedupeKey = `mcp:${crypto.randomUUID()}`;
  const once = () =>
    ask.with('write', (client, named) => client.send({ ...signal, project: named, dedupeKey, waitMs: 5_000 }));
  try {
    return accepted(await once());
  } catch (thrown) {
    const isGone = thrown instanceof EngineError && thrown.code === 'unavailable' && thrown.cause !== undefined;
    if (!isGone) throw thrown;
    return accepted(await once());
  }
}

/** Returns the plan when its merge has ended, waits because of a fault of its environment, or takes too long. */
async function mergeOutcome(client: Client, at: { project: string; plan: string }): Promise<PlanShow> {
  const untilMs = performance.now() + mergeMs;
  for (;;) {
    const shown = await client.plan(at.project, at.plan);
    if (!shown.merging || shown.waiting_for?.kind === 'repo' || performance.now() > untilMs) return shown;
    await delay(pollMs);
  }
}

async function answerPermission(
  client: Client,
  at: { project: string; title: string },
  answer: { answer: 'allow' | 'deny'; permission?: string | undefined; message?: string | undefined },
) {
  const { permission, message } = answer;
  return client.answerPermission(at.project, at.title, {
    answer: answer.answer,
    ...(permission === undefined ? {} : { permission }),
    ...(message === undefined ? {} : { message }),
  });
}

export const ownTools: readonly AnyTool[] = [
  tool({
    name: 'task_list',
    does: `Lists the plans, of one repo or of all of them: status, progress, what each waits for, whose turn it is. Those that need a person come first; ${toolPageLength} at once.`,
    kind: 'reads',
    input: z.strictObject({
      status: status.optional(),
      offset: toolOffset({ count }),
      project,
    }),
    output: z.object({ tasks: z.array(listed), total: count }),
    run: ({ input, caller }) =>
      withKnown(caller, { mode: 'read', said: input.project }, async (client) => {
        const plans = await client.plans(input.project);
        const all = plans.filter((plan) => input.status === undefined || plan.status === input.status);
        const tasks = toolPage(all, input.offset);
        return {
          tasks: tasks.map((plan) => ({ ...plan, filename: plan.plan, description: plan.title ?? '' })),
          total: all.length,
        };
      }),
  }),
  tool({
    name: 'task_transition',
    does: 'Sends a plan an event, such as plan_start, implement_start, review_approved, pause, resume, resolve, cancel, reopen or start_over. With force it sets the status that the event leads to, past the lifecycle; agents are not started by that.',
    kind: 'ends',
    input: z.strictObject({
      filename,
      event: line(128),
      force: z.boolean().default(false),
      payload: z.record(z.string(), z.unknown()).describe('what the event carries; see docs/signals.md').optional(),
      project,
    }),
    output: z.object({ ...verdict, status: status.nullable(), forced: z.boolean() }),
    run: async ({ input: { filename: said, event, force, payload }, ...ask }) => {
      const plan = planOf(said);
      const signal = force
        ? { plan, type: 'set_status', payload: { status: targetOf(event) } }
        : { plan, type: event, ...(payload === undefined ? {} : { payload }) };
      const answer = await send(ask, signal);
      return { filename: plan, status: answer.plan.status, forced: force, ...answer };
    },
  }),
  tool({
    name: 'signal_create',
    does: 'Sends a signal to a plan: the word by which agents report (implement_finished, review_changes_requested, needs_decision), or any other of docs/signals.md.',
    kind: 'changes',
    inRuns: true,
    input: z.strictObject({
      signal_type: line(128),
      plan_file: filename,
      payload: z
        .union([text, z.record(z.string(), z.unknown())])
        .describe('an object, the same as JSON text, or plain text')
        .optional(),
      project,
    }),
    output: signalAnswer,
    run: ({ input: { signal_type: type, plan_file: said, payload }, ...ask }) =>
      send(ask, { plan: planOf(said), type, ...(payload === undefined ? {} : { payload: payloadOf(payload) }) }),
  }),
  tool({
    name: 'note_add',
    does: 'Notes something about the repo that later agents must know and no file says: one sentence. What an agent proposes is given to others only when a person, or a rule of the repo, takes it.',
    kind: 'changes',
    inRuns: true,
    input: z.strictObject({ text: line(500).describe('one line'), project }),
    output: noteKept,
    run: ({ input: { text: said }, caller, ...ask }) =>
      ask.with('write', (client, named) =>
        caller.own === null
          ? client.addNote({ project: named, text: said })
          : client.proposeNote({ ...caller.own, text: said }),
      ),
  }),
  tool({
    name: 'task_answer',
    does: 'Answers a question of an agent; only that agent gets the answer. task_show lists open questions. With accept it takes the work of a blocked plan as it is, over its reviewer; with restore it brings back work that was lost from the branch.',
    kind: 'changes',
    input: z.strictObject({
      filename,
      answer: text.min(1).describe('needed but with accept and restore').optional(),
      question: count.describe('its number; needed where several are open').optional(),
      accept: z.boolean().describe('take the work as it is').default(false),
      restore: z.boolean().describe('bring lost work back').default(false),
      project,
    }),
    output: signalAnswer,
    run: async ({ input: { filename: said, answer, question, accept, restore }, ...ask }) => {
      const plan = planOf(said);
      if (accept || restore) {
        const body = answer === undefined ? {} : { body: answer };
        return send(ask, { plan, type: 'resolve', payload: { ...body, ...(accept ? { accept } : { restore }) } });
      }
      if (answer === undefined)
        throw new EngineError('bad_request', 'the answer is missing', 'give it as answer; or set accept or restore');
      const number = question ?? (await onlyQuestion(ask, plan));
      return send(ask, { plan, type: 'answer', payload: { questions: [number], body: answer } });
    },
  }),
  tool({
    name: 'task_merge',
    does: 'Merges a done plan into the branch that it started from, and waits until that is done.',
    kind: 'ends',
    input: z.strictObject({
      filename,
      into: line(200).describe('another branch').optional(),
      with_after: z.boolean().describe('also the unmerged plans that it depends on').default(false),
      project,
    }),
    output: planShow.pick({ plan: true, branch: true, merged: true, merging: true, merge_refused: true }),
    run: async ({ input: { filename: said, into, with_after: withAfter }, ...ask }) => {
      const plan = planOf(said);
      const payload = { ...(into === undefined ? {} : { into }), ...(withAfter ? { with_after: true } : {}) };
      await send(ask, { plan, type: 'merge', payload });
      const shown = await ask.with('write', (client, named) => mergeOutcome(client, { project: named, plan }));
      if (shown.merge_refused === null || shown.merging) return shown;
      throw new EngineError(
        'refused',
        `${plan} is not merged: ${shown.merge_refused.detail}`,
        'mend that, and call task_merge again',
      );
    },
  }),
  tool({
    name: 'instance_send',
    does: 'Leaves a message for the next turn of an agent.',
    kind: 'changes',
    input: z.strictObject({ title, prompt: text.min(1), project }),
    output: z.object({ ...signalAnswer.shape, message: z.string() }),
    run: async ({ input: { title: to, prompt }, ...ask }) => {
      const answer = await ask.with('write', (client, named) => client.sendToInstance(named, to, prompt));
      return { ...accepted(answer), message: `sent to ${to}` };
    },
  }),
  tool({
    name: 'instance_answer',
    does: 'Allows or denies what an agent asks permission for. instance_list shows the questions.',
    kind: 'ends',
    input: z.strictObject({
      title,
      answer: z.enum(['allow', 'deny']),
      permission: line(64).describe('which question, where several are open').optional(),
      message: text.describe('a word to the agent, with deny').optional(),
      project,
    }),
    output: signalAnswer,
    run: async ({ input: { title: of, ...answer }, ...ask }) => {
      if (answer.answer === 'allow' && answer.message !== undefined)
        throw new EngineError('bad_request', 'message goes with deny only', 'leave it out, or use instance_send');
      return accepted(
        await ask.with('write', (client, named) => answerPermission(client, { project: named, title: of }, answer)),
      );
    },
  }),
  tool({
    name: 'queue_list',
    does: `Lists the agents in the queue for slots, of one repo or of all of them, in the order of their turn, and how full it is; ${toolPageLength} at once.`,
    kind: 'reads',
    input: z.strictObject({ offset: toolOffset({ count }), project }),
    output: z.object({ items: z.array(queueEntry), stats: queueStats }),
    run: ({ input: { project: named, offset }, caller }) =>
      withKnown(caller, { mode: 'read', said: named }, async (client) => {
        const filter = named === undefined ? {} : { project: named };
        return { items: toolPage(await client.queue(filter), offset), stats: await client.queueStats(filter) };
      }),
  }),
  tool({
    name: 'daemon_status',
    does: `Shows whether an engine runs, its repos, up to ${toolPageLength} agents that have not ended, and what is wrong with its configuration.`,
    kind: 'reads',
    input: z.strictObject({}),
    output: statusAnswer.partial().extend({ running: z.boolean() }),
    run: async ({ caller }) => {
      const client = await caller.attach();
      if (client === null) return { running: false };
      try {
        const shown = await client.status();
        return {
          ...shown,
          instances: toolPage(
            shown.instances.filter((agent) => !isFinal(agent)),
            0,
          ),
        };
      } finally {
        await client.close();
      }
    },
  }),
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
      /** Why it was not reached, or how many events are left out; null: it was reached, with every event. */
      note: z.string().nullable(),
      plan: planEntry.nullable(),
      /** The newest 200, the oldest first. */
      events: z.array(factEntry),
      /** The number of the last event, or of the newest one when the wait began. null: no engine was reached. */
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

/** Throws `bad_request` for an event that leads to no status. */
function targetOf(event: string) {
  const type = signalTypeOf(event);
  const target = type === null ? undefined : targets[type];
  if (target !== undefined) return target;
  throw new EngineError(
    'bad_request',
    `no forced target status defined for "${event}"`,
    `with force the event is one of ${Object.keys(targets).join(', ')}; the statuses are ${planStatuses.join(', ')}`,
  );
}

/** The number of the only open question. Throws `conflict`, `refused`. */
async function onlyQuestion(ask: Pick<Ask<unknown>, 'with'>, plan: string): Promise<number> {
  const { questions } = await ask.with('read', (client, named) => client.plan(named, plan));
  const [only, ...more] = questions;
  if (only === undefined)
    throw new EngineError('refused', `${plan} asks nothing now`, 'see what it waits for: task_explain');
  if (more.length === 0) return only.number;
  const numbers = questions.map(({ number }) => number).join(', ');
  throw new EngineError('conflict', `several questions of ${plan} are open: ${numbers}`, 'say which: question');
}

/** The text's object if the text is JSON; otherwise the text. The engine checks the payload's shape. */
function payloadOf(payload: string | Record<string, unknown>): unknown {
  if (typeof payload !== 'string' || !payload.trimStart().startsWith('{')) return payload;
  try {
    return JSON.parse(payload);
  } catch {
    return payload; // a text that begins with a brace may still be plain text
  }
}

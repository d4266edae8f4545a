/**
 * Shows a plan in an editor: its tasks as the agent's plan, its agents as tools, their permission questions as permission requests, and their other
 * questions one by one.
 */
import { isDeepStrictEqual } from 'node:util';
import type { Client, InstanceEntry, PlanShow, RunFinished } from '../../runtime/api/client/client.ts';
import { homeFolder } from '../../runtime/base/platform/home.ts';
import { pause } from '../../runtime/base/platform/pause.ts';
import { attach } from '../../runtime/engine/attach.ts';
import type { Rpc } from '../../runtime/work/agents/relay/json-rpc.ts';
import type { Call } from '../command.ts';
import { type Permission, permissionsOf } from '../instance/permission.ts';
import type { FactContext } from '../run/fact-line.ts';
import { plain } from '../text.ts';

interface Parts {
  readonly call: Pick<Call, 'env'>;
  readonly rpc: Pick<Rpc, 'request'>;
  readonly sessionId: string;
  readonly update: (one: Readonly<Record<string, unknown>>) => void;
}

export interface ShownPlan {
  watch(of: { readonly project: string; readonly plan: string }): void;
  /** The last read state of the plan, for the text of a fact. */
  around(): FactContext;
  /** Begins another turn: unanswered questions are put to the editor again. */
  again(): void;
  /** Resolves with the first open question for which `isMeant` returns true, at any time while the plan runs. */
  question(isMeant: (number: number) => boolean): Promise<Question>;
  /** Reads the plan once more if an engine runs. `finished`: how its run ended, if it did. */
  stop(finished: RunFinished | null): Promise<void>;
}

export type Question = PlanShow['questions'][number];

type Task = PlanShow['tasks_by_wave'][number]['tasks'][number];

const lookMs = 500;

export function createShownPlan({ call, rpc, sessionId, update }: Parts): ShownPlan {
  const over = new AbortController();
  const asked = new Set<string>();
  /** The questions that the editor was asked and did not answer. */
  const unanswered = new Set<string>();
  let resolveQuestion: ((question: Question) => void) | null = null;
  const tools = new Map<string, { readonly status: string }>();
  let entries: unknown = null;
  let seen: FactContext = { tasks_by_wave: [], blocked: null, questions: [] };
  let watching: Promise<void> | null = null;

  function showPlan(plan: Pick<PlanShow, keyof FactContext>, isDone: (wave: number, task: Task) => boolean): void {
    seen = plan;
    const next = plan.tasks_by_wave.flatMap((wave) =>
      wave.tasks.map((task) => ({
        content: plain(`wave ${wave.number}: ${task.title}${task.status === 'failed' ? ' (failed)' : ''}`),
        priority: 'medium',
        status: isDone(wave.number, task) ? 'completed' : isWaiting(task.status) ? 'pending' : 'in_progress',
      })),
    );
    if (next.length === 0 || isDeepStrictEqual(next, entries)) return;
    entries = next;
    update({ sessionUpdate: 'plan', entries: next });
  }

  function showAgent({ run, role, title, live, state, last_line: line, started_at: started }: InstanceEntry): void {
    if (started === null) return;
    const status = live ? 'in_progress' : state === 'succeeded' ? 'completed' : 'failed';
    const text = line === null ? '' : plain(line);
    const next = { status, content: text === '' ? [] : [{ type: 'content', content: { type: 'text', text } }] };
    const known = tools.get(run);
    if (isDeepStrictEqual(known, next)) return;
    tools.set(run, next);
    if (known === undefined)
      update({ sessionUpdate: 'tool_call', toolCallId: run, title: `${role}: ${title}`, kind: 'other', ...next });
    else update({ sessionUpdate: 'tool_call_update', toolCallId: run, ...next });
  }

  /** If the editor gives no answer, the question stays open until its deadline. */
  async function ask(client: Client, { agent, question }: Permission): Promise<void> {
    const toolCall = {
      toolCallId: agent.run,
      title: plain(`${agent.title}: ${question.tool}`),
      kind: 'execute',
      content: [{ type: 'content', content: { type: 'text', text: question.detail } }],
    };
    const { outcome } = await rpc.request('session/request_permission', { sessionId, toolCall, options: answers });
    const { optionId } = (outcome ?? {}) as { readonly optionId?: unknown };
    if (optionId !== 'allow' && optionId !== 'deny') return void unanswered.add(question.id);
    await client.answerPermission(agent.project, agent.title, { answer: optionId, permission: question.id });
  }

  async function look(client: Client, of: { readonly project: string; readonly plan: string }): Promise<void> {
    const [plan, agents] = await Promise.all([client.plan(of.project, of.plan), client.instances(of)]);
    showPlan(plan, (_, { status }) => status === 'done');
    for (const question of plan.paused ? [] : plan.questions) resolveQuestion?.(question);
    for (const agent of agents) showAgent(agent);
    for (const permission of permissionsOf(agents).filter(({ question }) => !asked.has(question.id))) {
      asked.add(permission.question.id);
      // The question may have been answered meanwhile, or the editor may have gone.
      void ask(client, permission).catch(() => unanswered.add(permission.question.id));
    }
  }

  /** An engine may end at any time: then the next one is looked for. */
  async function follow(of: { readonly project: string; readonly plan: string }): Promise<void> {
    let client: Client | null = null;
    for (;;) {
      const isLast = over.signal.aborted;
      try {
        client ??= await attach(homeFolder(call.env), call.env);
        if (client !== null) await look(client, of);
      } catch {
        await client?.close();
        client = null;
      }
      if (isLast) break;
      await pause(lookMs, over.signal);
    }
    await client?.close();
  }

  return {
    watch(of) {
      watching ??= follow(of);
    },
    around: () => seen,
    again() {
      for (const id of unanswered) asked.delete(id);
      unanswered.clear();
    },
    question: (isMeant) =>
      new Promise((resolve) => {
        resolveQuestion = (question) => isMeant(question.number) && resolve(question);
      }),
    async stop(finished) {
      over.abort();
      await watching;
      const isDone = finished?.status === 'done';
      // The engine may have ended together with the plan, before the plan was read again.
      if (finished !== null && isDone)
        showPlan(
          seen,
          (wave, { number }) => !finished.left_out.some((one) => one.wave === wave && one.number === number),
        );
      for (const [toolCallId, { status }] of tools)
        if (status === 'in_progress')
          update({ sessionUpdate: 'tool_call_update', toolCallId, status: isDone ? 'completed' : 'failed' });
    },
  };
}

const answers = [
  { optionId: 'allow', name: 'Allow once', kind: 'allow_once' },
  { optionId: 'deny', name: 'Deny', kind: 'reject_once' },
];

function isWaiting(status: string): boolean {
  return status === 'pending' || status === 'failed' || status === 'cancelled';
}

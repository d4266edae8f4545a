/** The tools that show agents and send to them. */
import { z } from 'zod';
import { EngineError } from '../../../machines/vocabulary/errors.ts';
import type { Client } from '../client/client.ts';
import { instanceEntry, queueEntry, queueStats } from '../contract/runs.ts';
import { count } from '../contract/shared-shapes.ts';
import { signalAnswer } from '../contract/signals.ts';
import { line } from '../control/requests.ts';
import { agentOperations } from '../operations/agent.ts';
import { toolOf } from './operation-tool.ts';
import { type AnyTool, accepted, filename, planOf, project, title, tool } from './tool.ts';

const text = z.string().max(65_536);
const verdict = z.object({ ...signalAnswer.shape, message: z.string() });

/** kasmos's states, and stator's. */
const states = [...instanceEntry.shape.state.options, 'ready', 'loading'] as const;

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

export const agentTools: readonly AnyTool[] = [
  tool({
    name: 'instance_list',
    does: 'Lists the agents, each once over all its attempts: state, plan, role, worktree, what it asks permission for, what it used.',
    kind: 'reads',
    input: z.strictObject({ status: z.enum(states).optional(), filename: filename.optional(), project }),
    output: z.object({ instances: z.array(instanceEntry), total: count }),
    run: async ({ input: { status, filename: plan, project: named }, ...ask }) => {
      const all = await ask.with('read', (client) =>
        client.instances({
          ...(named === undefined ? {} : { project: named }),
          ...(plan === undefined ? {} : { plan: planOf(plan) }),
        }),
      );
      const instances = all.filter(
        (entry) =>
          status === undefined ||
          (status === 'ready' ? entry.ready : status === 'loading' ? entry.loading : entry.state === status),
      );
      return { instances, total: instances.length };
    },
  }),
  toolOf(agentOperations.runLogs),
  toolOf(agentOperations.capture),
  tool({
    name: 'instance_send',
    does: 'Leaves a message for the next turn of an agent.',
    kind: 'changes',
    input: z.strictObject({ title, prompt: text.min(1), project }),
    output: verdict,
    run: async ({ input: { title: to, prompt }, ...ask }) => {
      const answer = await ask.with('write', (client, named) => client.sendToInstance(named, to, prompt));
      return { ...accepted(answer), message: `sent to ${to}` };
    },
  }),
  toolOf(agentOperations.pauseInstance),
  toolOf(agentOperations.resumeInstance),
  toolOf(agentOperations.restartInstance),
  toolOf(agentOperations.killInstance),
  tool({
    name: 'instance_answer',
    does: 'Allows or denies what an agent asks permission for. instance_list shows what is asked.',
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
    does: 'Lists the agents in the queue for slots, in the order of their turn, and how full it is.',
    kind: 'reads',
    input: z.strictObject({ project }),
    output: z.object({ items: z.array(queueEntry), stats: queueStats }),
    run: async ({ input: { project: named }, ...ask }) =>
      ask.with('read', async (client) => {
        const filter = named === undefined ? {} : { project: named };
        return { items: await client.queue(filter), stats: await client.queueStats(filter) };
      }),
  }),
];

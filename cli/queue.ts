/** `stator queue`: which agents wait for a slot, which work, and what is paused. */

import { reasons } from '../machines/vocabulary/effect.ts';
import { EngineError } from '../machines/vocabulary/errors.ts';
import { reasonText } from '../machines/vocabulary/reason-text.ts';
import { clockTime, withLocalTimes } from '../machines/vocabulary/time-text.ts';
import type { QueueEntry } from '../runtime/api/client/client.ts';
import { defineVerb, type Verbs } from './command.ts';
import { asked, referenceArg, tellStarted, written } from './issue/ask.ts';
import { partArgs, partText, pauseLines, projectFilter, resumeText, waitText, withPart } from './queue/part.ts';
import { withClient } from './session.ts';
import { brief } from './text.ts';

const list = defineVerb({
  summary: 'List working, waiting and ended agents of all repos or that of --project, with what they wait for.',
  args: {},
  examples: ['stator queue list', "stator queue list --json | jq '.[].waiting_for.detail'"],
  more:
    'Each agent has one line for all its attempts. It is pending while it waits for a slot, its next attempt, a service or an answer, and error ' +
    'only when it has failed for good. The position is its place among the agents that wait for a slot.',
  async run(_args, call) {
    const { out } = call;
    const [entries, { pauses }] = await withClient(call, 'read', (client) =>
      Promise.all([client.queue(projectFilter(call)), client.queueStats()]),
    );
    out.answer(entries, () => [
      ...pauseLines(pauses),
      ...out.table(
        ['position', 'title', 'project', 'state', 'attempts', 'queued', 'waits for'],
        entries.map((entry) => [
          entry.position === null ? '' : String(entry.position),
          entry.title,
          entry.project,
          { text: entry.state, tone: entry.state === 'error' ? 'bad' : 'plain' },
          String(entry.attempts),
          clockTime(entry.queued_at),
          whyText(entry),
        ]),
        'nobody waits',
      ),
    ]);
  },
});

/** For an agent that waits for a slot or a pause the list itself says enough. */
function whyText({ position, held_by: held, waiting_for: waits, error }: QueueEntry): string {
  if (held !== null) return `paused (${held})`;
  if (waits === null) return error === null ? '' : errorText(error);
  if (waits.kind === 'slot' && position !== null) return 'a slot';
  return brief(withLocalTimes(waits.detail, Date.now()));
}

/** A reason as text; every other error has a text of its own. */
function errorText(error: string): string {
  const reason = reasons.find((known) => known === error);
  return reason === undefined ? brief(error) : reasonText(reason);
}

const enqueue = defineVerb({
  summary: 'Queue work on an issue and return at once. Its session starts or continues when a slot is free.',
  args: { ref: referenceArg, message: { type: 'positional', description: 'what to do' } },
  examples: ['stator issue start acme/shop#12 "fix it" --queue'],
  async run({ ref, message }, call) {
    const body = { ...asked(call, ref), message: written(message, 'message') };
    return tellStarted(call, await withClient(call, 'write', (client) => client.enqueueIssue(body)), true);
  },
});

const pause = defineVerb({
  summary:
    'Start no agents until the pause ends: none at all, or none of a repo, of a plan, or one agent. Running agents continue.',
  args: partArgs,
  examples: [
    'stator queue pause',
    'stator queue pause --project shop     # of that repo',
    'stator queue pause --plan login       # of a plan of this repo',
  ],
  more:
    'The pause outlives the engine. A paused agent loses no attempt; stator queue list, stator status and stator plan explain name the ' +
    'pause. An agent starts when neither it, its plan, its repo nor the whole queue is paused.',
  async run(args, call) {
    const { out } = call;
    const answer = await withPart(call, args, (client, part) => client.pauseQueue(part));
    const what = answer.of === 'queue' ? '' : ` ${partText(answer)}`;
    out.answer(answer, () => [
      `paused${answer.changed ? '' : ' already'}${what}: ${waitText(answer.pending)}; go on with: ${resumeText(answer)}`,
    ]);
  },
});

const resume = defineVerb({
  summary: 'End a pause of the queue: of the whole queue, a repo, a plan or one agent.',
  args: { ...partArgs, all: { type: 'boolean', description: 'end all pauses' } },
  examples: ['stator queue resume --plan login      # ends only that pause'],
  async run({ all = false, ...args }, call) {
    const { out } = call;
    if (all && (args.plan !== undefined || args.agent !== undefined || call.project !== undefined))
      throw new EngineError(
        'usage',
        '--all ends every pause, so it takes no --project, --plan or --agent',
        'leave out --all, or what stands beside it',
      );
    const answer = await withPart(call, args, (client, part) => client.resumeQueue(all ? { all } : part));
    const what = answer.of === 'queue' ? '' : ` ${partText(answer)}`;
    const text = answer.changed ? `resumed${what}` : `${what === '' ? 'it' : partText(answer)} was not paused`;
    out.answer(answer, () => [
      `${text}: ${waitText(answer.pending)}`,
      ...pauseLines(answer.pauses).map((line) => `still ${line}`),
    ]);
  },
});

const clear = defineVerb({
  summary: 'Remove ended agents from the list; waiting and running agents stay.',
  args: {},
  examples: ['stator queue clear'],
  async run(_args, call) {
    const { out } = call;
    if (call.project !== undefined)
      throw new EngineError(
        'usage',
        'queue clear takes no --project: it clears the list of all repos',
        'leave out --project',
      );
    const answer = await withClient(call, 'write', (client) => client.clearQueue());
    out.done(answer, `cleared ${answer.cleared} ended ${answer.cleared === 1 ? 'agent' : 'agents'}`);
  },
});

export default { list, enqueue, pause, resume, clear } satisfies Verbs;

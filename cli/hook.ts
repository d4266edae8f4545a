/** `stator hook`: what is told to the outside, and how that went. */

import { EngineError } from '../machines/vocabulary/errors.ts';
import type { DeliveryEntry, HookEntry } from '../runtime/api/client/client.ts';
import type { Tone } from './colour.ts';
import { type Call, defineVerb, type Verbs } from './command.ts';
import { allArgs, requireProject, scopeOf } from './place.ts';
import { withClient } from './session.ts';
import { fields } from './table.ts';
import { clockTime, counted, plain, plainLines } from './text.ts';

const hookTones: Readonly<Record<HookEntry['state'], Tone>> = {
  on: 'plain',
  failing: 'attention',
  off: 'bad',
  disabled: 'dim',
};

const list = defineVerb({
  summary:
    'List the hooks of this repo with the state of their deliveries; outside of a repo, and with --all, of all repos.',
  args: allArgs,
  examples: ['stator hook list', 'stator hook list --all --json'],
  async run({ all }, call) {
    const { out } = call;
    const { project } = scopeOf(call, { all });
    const hooks = await withClient(call, 'read', (client) => client.hooks(project));
    out.list(hooks, {
      headings: ['repo', 'hook', 'type', 'target', 'events', 'state', 'pending', 'delivered', 'dead', 'reason'],
      row: (hook) => [
        hook.project,
        hook.hook,
        hook.type,
        hook.target ?? '',
        hook.events.length === 0 ? 'all' : hook.events.join(', '),
        { text: hook.state, tone: hookTones[hook.state] },
        String(hook.pending),
        String(hook.delivered),
        { text: String(hook.dead), tone: hook.dead > 0 ? 'bad' : 'plain' },
        hook.reason ?? '',
      ],
      empty: 'no hooks: they stand as [[hooks]] in .stator/config.toml, and count once the repo is trusted',
    });
  },
});

const states = ['pending', 'delivered', 'dead'] as const;
const deliveryTones: Readonly<Record<DeliveryEntry['state'], Tone>> = {
  pending: 'attention',
  delivered: 'plain',
  dead: 'bad',
};

const deliveries = defineVerb({
  summary: 'List the hook deliveries of this repo, newest first; outside of a repo, and with --all, of all repos.',
  args: {
    hook: { type: 'string', valueHint: 'name', description: 'of one hook only' },
    plan: { type: 'string', valueHint: 'plan', description: 'of one plan only' },
    state: { type: 'string', valueHint: 'state', description: 'pending, delivered or dead' },
    ...allArgs,
  },
  examples: ['stator hook deliveries --state dead', 'stator hook deliveries --hook deploy --plan login --json'],
  more: 'Lists at most 1,000. Dead deliveries are kept: stator hook show prints the reason, stator hook redeliver sends one again.',
  async run({ hook, plan, state, all }, call) {
    const { out } = call;
    if (state !== undefined && !states.some((each) => each === state))
      throw new EngineError('usage', `"${state}" is no state of a delivery`, `write one of ${states.join(', ')}`);
    const filter = {
      ...scopeOf(call, { all }),
      ...(hook === undefined ? {} : { hook }),
      ...(plan === undefined ? {} : { plan }),
      ...(state === undefined ? {} : { state }),
    };
    const entries = await withClient(call, 'read', (client) => client.deliveries(filter));
    out.list(entries, {
      headings: ['id', 'at', 'plan', 'hook', 'event', 'state', 'attempts', 'next', 'status', 'error'],
      row: (entry) => [
        entry.id,
        clockTime(entry.created_at),
        `${entry.project}/${entry.plan}`,
        entry.hook,
        entry.event,
        { text: entry.state, tone: deliveryTones[entry.state] },
        String(entry.attempts),
        entry.next_at === null ? '' : clockTime(entry.next_at),
        entry.last_status === null ? '' : String(entry.last_status),
        entry.last_error ?? '',
      ],
      empty: 'nothing was told to any hook',
    });
  },
});

const show = defineVerb({
  summary: 'Show one delivery: its body, its result, and the end of the output of a command.',
  args: { id: { type: 'positional', description: 'as stator hook deliveries lists it' } },
  examples: ['stator hook show msg_01k2x3y4z5abcdefghjkmnpqrs'],
  async run({ id }, call) {
    const { out } = call;
    const entry = await withClient(call, 'read', (client) => client.delivery(id));
    out.answer(entry, () =>
      fields(
        [
          ['delivery', entry.id],
          ['hook', `${entry.hook} of ${entry.project}`],
          ['plan', entry.plan],
          ['event', `${entry.event}, number ${entry.sequence} of this plan to this hook`],
          ['state', entry.state],
          ['attempts', String(entry.attempts)],
          ['next', entry.next_at],
          ['status', entry.last_status === null ? null : String(entry.last_status)],
          ['error', entry.last_error === null ? null : plainLines(entry.last_error)],
          ['created', entry.created_at],
          ['ended', entry.finished_at],
          ['body', plainLines(entry.body)],
          ['output', entry.output === null || entry.output === '' ? null : plainLines(entry.output)],
        ],
        out.paint,
      ),
    );
  },
});

const redeliver = defineVerb({
  summary: 'Deliver again, with the same ids and all retries.',
  args: { id: { type: 'positional', description: 'one or more, as stator hook deliveries lists them' } },
  examples: ['stator hook redeliver msg_01k2x3y4z5abcdefghjkmnpqrs'],
  more: 'A receiver can recognise a repeated delivery by its id. The engine sends deliveries; without an engine they wait.',
  mayRepeat: true,
  async run(_args, call, ids) {
    const { out } = call;
    const entries = await withClient(call, 'write', async (client) => {
      const queued: DeliveryEntry[] = [];
      // In the order as typed; the first that is refused ends it.
      for (const id of new Set(ids)) queued.push(await client.redeliver(id));
      return queued;
    });
    out.done(entries, `${counted(entries.length, 'delivery').replace(/deliverys$/, 'deliveries')} queued again`);
    return 0;
  },
});

const test = defineVerb({
  summary: 'Send one test event to a hook of this repo, and print the answer.',
  args: { name: { type: 'positional', description: 'the name of the hook' } },
  examples: ['stator hook test deploy', 'stator hook test deploy --project shop --json'],
  more: 'It also works while the hook is off. The body has "test": 1. Exit code 1: it was not delivered.',
  async run({ name }, call) {
    const { out } = call;
    const project = requireProject(call);
    const answer = await withClient(call, 'write', (client) => client.testHook(project, name));
    const { delivered, status, error, output } = answer;
    const how = status === null ? '' : ` (${status})`;
    const said = output === null || output.trim() === '' ? [] : [plainLines(output.trimEnd())];
    out.done(answer, delivered ? `delivered${how}` : `not delivered${how}: ${plain(error ?? '')}`, ...said);
    return delivered ? 0 : 1;
  },
});

const enable = defineVerb({
  summary: 'Turn a hook on again that was turned off by you, by its receiver (410), or because it kept failing.',
  args: { name: { type: 'positional', description: 'the name of the hook' } },
  examples: ['stator hook enable deploy'],
  more: 'Deliveries while it was off are dead, and kept: send them with stator hook redeliver.',
  run: ({ name }, call) => switchHook(call, name, 'enable'),
});

const disable = defineVerb({
  summary: 'Turn a hook off until it is enabled again; its configuration does not change.',
  args: { name: { type: 'positional', description: 'the name of the hook' } },
  examples: ['stator hook disable deploy'],
  more: 'Deliveries while it is off are dead, and kept: send them later with stator hook redeliver.',
  run: ({ name }, call) => switchHook(call, name, 'disable'),
});

async function switchHook(call: Call, name: string, to: 'enable' | 'disable'): Promise<undefined> {
  const project = requireProject(call);
  const answer = await withClient(call, 'write', (client) => client.switchHook(project, name, to));
  const { status, changed, dead } = answer;
  const left = dead === 0 ? [] : [`${dead} dead: stator hook deliveries --hook ${name} --state dead`];
  call.out.done(answer, `${status}${changed ? '' : ' already'}`, ...left);
}

export default { list, deliveries, show, redeliver, test, enable, disable } satisfies Verbs;

/** `stator machine`: the statecharts, and the trees of machines of your own. */

import { EngineError } from '../machines/vocabulary/errors.ts';
import { clockTime, localTime } from '../machines/vocabulary/time-text.ts';
import type { Client, MachineVerdict } from '../runtime/api/client/client.ts';
import type { MachineTreeEntry, MachineTreeReplay, MachineTreeShow } from '../runtime/api/contract/machines.ts';
import { didYouMean } from '../runtime/base/config/nearest.ts';
import { absentStep } from '../runtime/base/platform/home-engine.ts';
import { connect } from '../runtime/engine/connect.ts';
import { asOfArgs, asOfQuery, asOfText } from './as-of.ts';
import { type Call, defineVerb, type Verbs } from './command.ts';
import { planNamed } from './named-plan.ts';
import { wholeNumber } from './number.ts';
import { requireProject } from './place.ts';
import { withClient } from './session.ts';
import { isConfirmed, sureArgs } from './sure.ts';
import { fields } from './table.ts';
import { plain } from './text.ts';
import { verificationLines } from './verification.ts';

const treeArgs = {
  machine: { type: 'positional', description: 'its name under [machines] in daemon.toml' },
  id: { type: 'positional', description: 'the id of the tree' },
} as const;

const list = defineVerb({
  summary: 'List the state machines, or the trees of one of your own machines.',
  args: { machine: { type: 'positional', required: false, description: 'one of your own machines' } },
  examples: ['stator machine list', 'stator machine list release'],
  async run({ machine }, call) {
    const { out } = call;
    if (machine !== undefined) {
      const trees = await withMachines(call, (client) => client.machineTrees(machine));
      out.answer(trees, () =>
        out.table(
          [machine, 'status', 'state', 'shows'],
          trees.map((tree) => [tree.id, tree.status, stateText(tree.value), shownText(tree)]),
          `there are none: stator machine start ${machine} <id>`,
        ),
      );
      return 0;
    }
    const quiet = { ...call, out: { ...out, noteOnce: () => undefined } }; // they are the same with and without an engine
    const machines = await withClient(quiet, 'read', (client) => client.machines());
    out.list(machines, {
      headings: ['machine', 'what it is', 'version', 'states', 'transitions'],
      row: ({ name, description, version, states, transitions }) => [
        name,
        description,
        version,
        String(states),
        String(transitions),
      ],
      empty: 'there are none',
    });
    return 0;
  },
});

const formats = ['mermaid', 'json', 'svg'] as const;
const themes = ['light', 'dark', 'both'] as const;

/** Throws `usage` with the nearest word. */
function oneOf<Word extends string>(flag: string, said: string, words: readonly Word[]): Word {
  const known = words.find((word) => word === said);
  if (known !== undefined) return known;
  throw new EngineError('usage', `${flag} is "${said}"`, `${didYouMean(said, words)}give one of ${words.join(', ')}`);
}

const exportIt = defineVerb({
  summary: 'Print a statechart as a picture, Mermaid or JSON.',
  args: {
    name: { type: 'positional', description: 'supervisor, repo, plan, wave, task or agent; or one of your own' },
    format: {
      type: 'string',
      valueHint: formats.join('|'),
      description: 'default mermaid; with --plan, --tree or --theme svg',
    },
    plan: {
      type: 'string',
      valueHint: 'plan',
      description: 'highlight the states of this plan',
    },
    tree: {
      type: 'string',
      valueHint: 'id',
      description: 'highlight the states of this tree of your own machine',
    },
    theme: {
      type: 'string',
      valueHint: themes.join('|'),
      description: "of the picture; default both: it follows the reader's system",
    },
  },
  examples: [
    'stator machine export plan --format mermaid > plan.mmd',
    'stator machine export plan --plan login > login.svg',
    'stator machine export release --tree 1.2 > release.svg',
  ],
  more: 'A picture of your own machine needs the package elkjs: npm install elkjs. With --plan, the charts of wave, task and agent highlight all live actors of the plan.',
  async run({ name, format, plan, tree, theme }, call) {
    const { out } = call;
    const isDrawn = plan !== undefined || tree !== undefined || theme !== undefined;
    const wanted = oneOf('--format', format ?? (isDrawn ? 'svg' : out.json ? 'json' : 'mermaid'), formats);
    if (isDrawn && wanted !== 'svg')
      throw new EngineError('usage', `${wanted} has no --plan, --tree and --theme`, 'give --format svg with them');
    if (plan !== undefined && tree !== undefined)
      throw new EngineError('usage', 'a picture shows a --plan or a --tree', 'give one of them');
    const look = theme === undefined ? {} : { theme: oneOf('--theme', theme, themes) };
    const quiet = { ...call, out: { ...out, noteOnce: () => undefined } }; // a definition is the same with and without an engine
    const text = await withClient(plan === undefined && tree === undefined ? quiet : call, 'read', async (client) => {
      if (plan === undefined) return client.machine(name, wanted, tree === undefined ? look : { ...look, tree });
      const project = requireProject(call);
      return client.machine(name, wanted, { ...look, project, plan: await planNamed(call, client, project, plan) });
    });
    if (plan !== undefined && !/ class="[^"]*\blit\b/.test(text))
      out.note(`nothing is lit: no ${name} of ${plan} lives now`);
    out.stdout.write(text.endsWith('\n') ? text : `${text}\n`);
    return 0;
  },
});

const start = defineVerb({
  summary: 'Start a tree of your own machine; an existing tree does not change.',
  args: { ...treeArgs, input: { type: 'string', valueHint: 'JSON', description: 'the input of the machine' } },
  examples: [`stator machine start release 1.2 --input '{"version": "1.2.0"}'`],
  async run({ machine, id, input }, call) {
    const given = objectOf('--input', input);
    const verdict = await withMachines(call, (client) => client.startMachine(machine, id, given));
    call.out.answer(verdict, () => [verdictText(verdict, machine, id)]);
  },
});

const send = defineVerb({
  summary: 'Send a signal to a tree of your own machine.',
  args: {
    ...treeArgs,
    type: { type: 'positional', description: 'a signal of its definition' },
    payload: { type: 'string', valueHint: 'JSON', description: 'its fields' },
  },
  examples: [
    'stator machine send release 1.2 approve',
    `stator machine send release 1.2 refuse --payload '{"reason": "late"}'`,
  ],
  async run({ machine, id, type, payload }, call) {
    const given = objectOf('--payload', payload);
    const body = given === undefined ? {} : { payload: given };
    const verdict = await withMachines(call, (client) => client.sendMachine(machine, id, { type, ...body }));
    call.out.answer(verdict, () => [verdictText(verdict, machine, id)]);
  },
});

const show = defineVerb({
  summary: 'Show a tree of your own machine, now or as it was.',
  args: { ...treeArgs, ...asOfArgs },
  examples: ['stator machine show release 1.2', 'stator machine show release 1.2 --to 3'],
  async run({ machine, id, to, at }, call) {
    const { out } = call;
    const isPast = to !== undefined || at !== undefined;
    const asOf = asOfQuery({ to, at });
    const tree = await withMachines<MachineTreeShow | MachineTreeReplay>(call, (client) =>
      isPast ? client.machineReplay(machine, id, asOf) : client.machineTree(machine, id),
    );
    out.answer(tree, () => [
      ...('seq' in tree ? [out.paint('dim', asOfText(tree))] : []),
      ...fields(
        [
          ['machine', `${machine} ${id}`],
          ['status', tree.status],
          ['state', stateText(tree.value)],
          ['tags', tree.tags.join(', ') || null],
          ['context', plain(JSON.stringify(tree.context))],
          ['output', tree.output === null ? null : plain(JSON.stringify(tree.output))],
        ],
        out.paint,
      ),
    ]);
  },
});

const deleteOne = defineVerb({
  summary: 'Delete a tree of your own machine. Old trees that have ended are deleted automatically.',
  args: {
    ...treeArgs,
    force: { type: 'boolean', description: 'delete it although it has not ended; its effects and timers are stopped' },
    ...sureArgs,
  },
  more: 'Its journal is kept until it is older than `retention` (stator gc). A tree that you start later with the same id is a new tree.',
  examples: ['stator machine delete release 1.2 --yes', 'stator machine delete release 1.2 --force --yes'],
  async run({ machine, id, force, yes }, call) {
    const { out } = call;
    const name = `${machine} ${id}`;
    if (!(await isConfirmed(call, { yes, question: `delete ${name}?`, not: `not deleted: ${name}` }))) return 1;
    const how = force === true ? { force } : {};
    const deleted = await withMachines(call, (client) => client.deleteMachineTree(machine, id, how));
    out.answer(deleted, () => [`deleted ${name}`]);
    return 0;
  },
});

const explain = defineVerb({
  summary: 'Explain what a tree of your own machine waits for, which signals it accepts, and what it refused last.',
  args: treeArgs,
  examples: ['stator machine explain release 1.2'],
  async run({ machine, id }, call) {
    const { out } = call;
    const explained = await withMachines(call, (client) => client.machineExplanation(machine, id));
    out.answer(explained, () => {
      const { effects, timers, outputs, plans, held, set_aside: aside, refused_last: refused } = explained;
      const waits = [
        ...effects.map(({ effect, status, tries, error, host }) => {
          const failed = error === null ? '' : `, failed ${tries} times: ${plain(error).split('\n')[0]}`;
          const where = host === null ? '' : `, for the host ${plain(host)}`;
          return `${effect}: ${status}${where}${failed}`;
        }),
        ...timers.map(({ timer, due_at: dueAt }) => `${timer}: due ${localTime(dueAt, Date.now())}`),
        ...outputs.map(({ machine: other, id: tree }) => `the output of ${other} ${tree}`),
        ...plans.map(({ project, plan, status }) => `plan ${plan} of ${project}: ${status ?? 'there is no such plan'}`),
        ...held.map(({ id: signal, type }) => `${type} (signal ${signal}) until its states take it`),
      ];
      const taken = explained.events.filter(({ accepted }) => accepted).map(({ type }) => type);
      const guard = refused?.refused?.guard ? `: ${refused.refused.guard}` : '';
      return fields(
        [
          ['machine', `${machine} ${id}`],
          ['status', explained.status],
          ['state', stateText(explained.value)],
          ['waits for', waits.join('; ') || 'a message'],
          ['would take', taken.join(', ') || 'nothing'],
          ['set aside', aside.map(({ id: signal, error }) => `signal ${signal}: ${plain(error)}`).join('; ') || null],
          [
            'refused last',
            refused === null ? null : `${refused.event} from ${refused.origin}, ${clockTime(refused.at)}${guard}`,
          ],
        ],
        out.paint,
      );
    });
    return 0;
  },
});

const history = defineVerb({
  summary: 'Print what happened to a tree of your own machine, including refusals.',
  args: {
    ...treeArgs,
    after: { type: 'string', valueHint: 'seq', description: 'only events after that journal line' },
  },
  examples: ['stator machine history release 1.2'],
  async run({ machine, id, after }, call) {
    const { out } = call;
    const options = after === undefined ? {} : { after: after === '0' ? 0 : wholeNumber('--after', after) };
    const entries = await withMachines(call, (client) => client.machineHistory(machine, id, options));
    out.list(entries, {
      headings: ['seq', 'at', 'by', 'event', 'from', 'to'],
      row: ({ seq, at, origin, event, from, to, refused }) => [
        String(seq),
        `${at.slice(0, 10)} ${clockTime(at)}`,
        origin,
        event,
        from,
        refused === null ? to : { text: `refused${refused.guard === null ? '' : `: ${refused.guard}`}`, tone: 'bad' },
      ],
      empty: 'nothing happened yet',
    });
  },
});

const verify = defineVerb({
  summary: 'Check that the stored state of a tree of your own machine is what its journal leads to.',
  args: treeArgs,
  examples: ['stator machine verify release 1.2'],
  more: 'Exit code 1: something differs, or a line of the journal does not fit the line before it.',
  async run({ machine, id }, call) {
    const found = await withMachines(call, (client) => client.verifyMachine(machine, id));
    call.out.answer(found, () => verificationLines(found));
    return found.ok ? 0 : 1;
  },
});

/** Throws `no_daemon` where no engine runs. */
export async function withMachines<Answer>({ env }: Call, use: (client: Client) => Promise<Answer>): Promise<Answer> {
  const client = await connect({ env, mode: 'read' });
  try {
    if (client.note === null) return await use(client);
    throw new EngineError(
      'no_daemon',
      `${client.note}, so nobody carries a machine of your own`,
      `${absentStep(client.engine ?? { kind: 'none' })}; its daemon.toml is to have the machine under [machines]`,
    );
  } finally {
    await client.close();
  }
}

/** A JSON object of the command line. Throws `usage` with the flag. */
function objectOf(flag: string, text: string | undefined): unknown {
  if (text === undefined || text.trim() === '') return undefined;
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value;
  } catch {
    // reported below, as no object
  }
  throw new EngineError(
    'usage',
    `${flag} is no JSON object: ${text.slice(0, 100)}`,
    `such as ${flag} '{"version": "1.2.0"}'`,
  );
}

/** One line about the outcome of a message. */
export function verdictText({ signal, tree }: MachineVerdict, machine: string, id: string): string {
  const { type, status, result } = signal;
  const how = typeof result === 'string' && result !== 'done' ? ` (${result})` : '';
  const stands = tree === null ? '' : `; ${machine} ${id} is in ${stateText(tree.value)}`;
  return `${status}${how}: ${type}${stands}`;
}

/** The note of the list about a tree, beside its state: what it cannot do comes first. */
function shownText({ view, problem, set_aside: aside = [] }: MachineTreeEntry): string {
  return [
    ...(problem === undefined ? [] : [plain(problem)]),
    ...aside.map(({ id, type }) => `signal ${id} (${plain(type)}) was set aside`),
    ...Object.entries(view).map(([key, shown]) =>
      plain(`${key} ${typeof shown === 'string' ? shown : JSON.stringify(shown)}`),
    ),
  ].join(', ');
}

/** A state's value as one dotted word. */
function stateText(value: unknown): string {
  if (value === null) return 'unknown';
  if (typeof value !== 'object') return String(value);
  return Object.entries(value)
    .map(([key, inner]) => `${key}.${stateText(inner)}`)
    .join(' ');
}

export default {
  list,
  export: exportIt,
  start,
  send,
  show,
  delete: deleteOne,
  explain,
  history,
  verify,
} satisfies Verbs;

/** `stator machine`: statecharts, and the trees of user-defined machines. */
import { EngineError } from '../machines/vocabulary/errors.ts';
import type { Client } from '../runtime/api/client/client.ts';
import type { MachineTreeEntry } from '../runtime/api/contract/machines.ts';
import { didYouMean } from '../runtime/base/config/nearest.ts';
import { defineVerb } from './command.ts';
import { allPages } from './operation-verb.ts';
import { requireProject } from './place.ts';
import { planNamed, withClient, withMachines } from './session.ts';
import { plain } from './text.ts';
import { pausesText, stateText } from './views/machine.ts';

const list = defineVerb({
  summary: 'List the state machines, or the trees of one of your own machines.',
  args: { machine: { type: 'positional', required: false, description: 'one of your own machines' } },
  examples: ['stator machine list', 'stator machine list release'],
  async run({ machine }, call) {
    const { out } = call;
    if (machine !== undefined) {
      const trees = await withMachines(call, (client) =>
        allPages(
          (after?: string) => client.machineTrees({ name: machine, after }),
          ({ id }) => id,
        ),
      );
      out.answer(trees, () =>
        out.table(
          [machine, 'status', 'state', 'shows'],
          trees.map((tree) => [tree.id, tree.status, stateText(tree.value), shownText(tree)]),
          `there are none: stator machine start ${machine} <id>`,
        ),
      );
      return 0;
    }
    const quiet = { ...call, out: { ...out, noteOnce: () => undefined } }; // definitions are the same with and without an engine
    const machines = await withClient(quiet, 'read', (client) => client.machines());
    out.list(machines, {
      headings: ['machine', 'what it is', 'version', 'states', 'transitions'],
      row: ({ name, description, version, states, transitions, pauses }) => [
        name,
        pauses === undefined
          ? description
          : `paused: ${pausesText(pauses)}${description === '' ? '' : `; ${description}`}`,
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

/** Throws `usage` with the nearest accepted value. */
function oneOf<Choice extends string>(flag: string, said: string, words: readonly Choice[]): Choice {
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
  more: 'With --json a picture and Mermaid are in the field text of a document. A picture of your own machine needs the package elkjs: npm install elkjs. With --plan, the charts of wave, task and agent highlight all live actors of the plan.',
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
    const drawn = async (client: Client) => {
      if (plan === undefined)
        return client.machine({ name, format: wanted, ...look, ...(tree === undefined ? {} : { tree }) });
      const project = requireProject(call);
      const found = await planNamed(call, client, project, plan);
      return client.machine({ name, format: wanted, ...look, project, plan: found });
    };
    const text = await (tree === undefined
      ? withClient(plan === undefined ? quiet : call, 'read', drawn)
      : withMachines(call, drawn));
    if (plan !== undefined && !/ class="[^"]*\blit\b/.test(text))
      out.note(`nothing is lit: no ${name} of ${plan} lives now`);
    if (out.json) out.print(JSON.stringify(wanted === 'json' ? JSON.parse(text) : { name, format: wanted, text }));
    else out.stdout.write(text.endsWith('\n') ? text : `${text}\n`);
    return 0;
  },
});

/** The note about a tree beside its state. What prevents it from working comes first. */
function shownText({ view, problem, paused, set_aside: setAside = [] }: MachineTreeEntry): string {
  return [
    ...(paused === true ? ['its effects are paused'] : []),
    ...(problem === undefined ? [] : [plain(problem)]),
    ...setAside.map(({ id, type }) => `signal ${id} (${plain(type)}) was set aside`),
    ...Object.entries(view).map(([key, shown]) =>
      plain(`${key} ${typeof shown === 'string' ? shown : JSON.stringify(shown)}`),
    ),
  ].join(', ');
}

export default { list, export: exportIt };

/** The machines as they run: chart, states, and what each of them takes. */
import { chartOf, machineNames, wordOf } from '../runtime/queries/chart.ts';
import { code, fenced, markdownTable } from './markdown.ts';

/** What this reads of the JSON that `stator machine export <name> --format json` prints. */
interface StateDefinition {
  readonly key: string;
  readonly description: string | null;
  readonly transitions: readonly { readonly event: string }[];
  readonly states: Readonly<Record<string, StateDefinition>>;
}

export function machineCharts(): string {
  return machineNames.map(machineSection).join('\n\n');
}

function machineSection(name: string): string {
  const definition = JSON.parse(chartOf(name, 'json')) as StateDefinition; // written from one by chartOf
  const rows = stateRows(definition, []);
  return [
    `## ${name}`,
    ...(definition.description === null ? [] : [`${sentence(definition.description)}.`]),
    fenced('mermaid', chartOf(name, 'mermaid')),
    markdownTable(['state', 'meaning', 'takes'], rows),
  ].join('\n\n');
}

function stateRows({ states }: StateDefinition, path: readonly string[]): string[][] {
  return Object.values(states).flatMap((state) => {
    const here = [...path, state.key];
    const words = state.transitions.map(({ event }) => wordOf(event)).filter((word) => word !== 'always');
    const row = [code(here.join('.')), state.description ?? '', [...new Set(words)].map(code).join(' ')];
    return [row, ...stateRows(state, here)];
  });
}

function sentence(text: string): string {
  return text.slice(0, 1).toUpperCase() + text.slice(1);
}

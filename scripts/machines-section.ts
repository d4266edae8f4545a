/** The machines as they run: their charts, their states, and the events that each state accepts. */

import { chartOf, machineNames } from '../runtime/api/queries/chart.ts';
import { wordOf } from '../runtime/base/charts/arrows.ts';
import { code, markdownTable } from './markdown.ts';

/** The parts of the JSON from `stator machine export <name> --format json` that are read here. */
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
  const definition = JSON.parse(chartOf(name, 'json', [])) as StateDefinition; // written from one by chartOf
  const rows = stateRows(definition, []);
  return [
    `## ${name}`,
    ...(definition.description === null ? [] : [`${sentence(definition.description)}.`]),
    picture(name),
    markdownTable(['state', 'meaning', 'takes'], rows),
  ].join('\n\n');
}

/** The picture that fits the reader's theme. */
function picture(name: string): string {
  return [
    '<picture>',
    `  <source media="(prefers-color-scheme: dark)" srcset="pictures/${name}-dark.svg">`,
    `  <img alt="The chart of ${name}: the table below says what is in it" src="pictures/${name}-light.svg">`,
    '</picture>',
  ].join('\n');
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

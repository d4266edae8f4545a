/** A machine's table, read from its definition: the response of each state to each event, without executing anything. */
import { type AnyMachineSnapshot, type AnyStateMachine, type AnyStateNode, type StateValue, transition } from 'xstate';
import { stateText } from '../../actors/recorder.ts';

export interface Place {
  readonly value: StateValue;
  readonly context: object;
}

export interface Question {
  readonly machine: AnyStateMachine;
  readonly place: Place;
  readonly event: { readonly type: string };
}

/** The target; `stays`: it acts and stays; `ignored`: the state declares that nothing changes; `-`: no transition. */
export function cellOf({ machine, place, event }: Question): string {
  const snapshot = machine.resolveState({ value: place.value, context: place.context });
  const transitions = machine.getTransitionData(snapshot, event);
  if (transitions.length === 0) return '-';
  if (transitions.every((one) => one.target === undefined && one.actions.length === 0)) return 'ignored';
  const [next] = transition(machine, snapshot, event) as [AnyMachineSnapshot, unknown]; // of a machine, so a machine's snapshot
  const to = stateText(next.value);
  return to === stateText(place.value) && transitions.every((one) => one.target === undefined) ? 'stays' : to;
}

/** Reads a table with a header of columns: row name to column name to cell. */
export function readTable(text: string): Map<string, Map<string, string>> {
  const [header = '', ...lines] = text
    .trim()
    .split('\n')
    .map((line) => line.trim());
  const columns = header.split(/\s+/).slice(1);
  return new Map(
    lines.map((line) => {
      const [name = '', ...cells] = line.split(/\s+/);
      return [name, new Map(columns.map((column, index) => [column, cells[index] ?? '?']))];
    }),
  );
}

export function writeTable(rows: Map<string, Map<string, string>>): string {
  const columns = [...(rows.values().next().value?.keys() ?? [])];
  const width = (column: string) =>
    Math.max(column.length, ...[...rows.values()].map((cells) => (cells.get(column) ?? '').length));
  const first = Math.max(...[...rows.keys()].map((name) => name.length), 5);
  const line = (name: string, cells: string[]) =>
    [name.padEnd(first), ...cells.map((cell, index) => cell.padEnd(width(columns[index] ?? '')))].join('  ').trimEnd();
  return [line('event', columns), ...[...rows].map(([name, cells]) => line(name, [...cells.values()]))].join('\n');
}

/** Every state of a machine below its root, the deepest last. */
export function* nodesOf(node: AnyStateNode): Generator<AnyStateNode> {
  yield node;
  for (const child of Object.values(node.states)) yield* nodesOf(child);
}

export function leavesOf(machine: AnyStateMachine): string[] {
  return [...nodesOf(machine.root)]
    .filter((node) => Object.keys(node.states).length === 0 && node.type !== 'final')
    .map((node) => node.path.join('.'));
}

/** A chart as a value that two engines can compare: its states, transitions and names. The inside of a function cannot be compared. */
import type { AnyStateMachine } from 'xstate';
import { eachLogic, logicKindOf } from './durable-logic.ts';

/** Fields that do not change what the chart does. */
const spoken: ReadonlySet<string> = new Set(['description', 'types', 'schemas', 'version']);
/** In these the author names the fields: a state may be called `version`. */
const named: ReadonlySet<string> = new Set(['states', 'on', 'context', 'params', 'input']);

/** The chart, and the machines that it may start, as JSON. */
export function chartShape(machine: AnyStateMachine): string {
  const below: unknown[] = [];
  eachLogic(machine, (logic, label) => {
    const kind = logicKindOf(logic);
    below.push([label, kind, kind === 'machine' ? shapeOf((logic as AnyStateMachine).config) : null]); // by its kind
  });
  return JSON.stringify([shapeOf(machine.config), below]);
}

/** `above`: the objects that the value lies in, because a value may refer to itself. */
function shapeOf(value: unknown, above: readonly object[] = [], field = ''): unknown {
  if (typeof value === 'function') return value.name === '' ? 'function' : value.name;
  if (typeof value !== 'object' || value === null) return typeof value === 'bigint' ? String(value) : value;
  if (above.includes(value)) return null;
  const within = [...above, value];
  if (Array.isArray(value)) return value.map((each) => shapeOf(each, within));
  if (logicKindOf(value) !== 'unknown') return logicKindOf(value); // eachLogic visits it
  const entries = Object.entries(value).filter(([key]) => named.has(field) || !spoken.has(key));
  return Object.fromEntries(entries.map(([key, inner]) => [key, shapeOf(inner, within, key)]));
}

/** A chart as a value that two engines can compare: its states, transitions and names. The inside of a function cannot be compared. */
import type { AnyStateMachine } from 'xstate';
import { eachLogic, logicKindOf } from './durable-logic.ts';

/** Fields that do not change what the chart does. */
const spoken: ReadonlySet<string> = new Set(['description', 'types', 'schemas', 'version']);
/** Deeper than any chart; a value in it may refer to itself. */
const mostDeep = 100;

/** The chart, and the machines that it may start, as JSON. */
export function chartShape(machine: AnyStateMachine): string {
  const below: unknown[] = [];
  eachLogic(machine, (logic, label) => {
    const kind = logicKindOf(logic);
    below.push([label, kind, kind === 'machine' ? shapeOf((logic as AnyStateMachine).config, 0) : null]); // by its kind
  });
  return JSON.stringify([shapeOf(machine.config, 0), below]);
}

function shapeOf(value: unknown, depth: number): unknown {
  if (typeof value === 'function') return value.name === '' ? 'function' : value.name;
  if (typeof value !== 'object' || value === null) return typeof value === 'bigint' ? String(value) : value;
  if (depth > mostDeep) return null;
  if (Array.isArray(value)) return value.map((each) => shapeOf(each, depth + 1));
  if (logicKindOf(value) !== 'unknown') return logicKindOf(value); // eachLogic visits it
  const entries = Object.entries(value).filter(([key]) => !spoken.has(key));
  return Object.fromEntries(entries.map(([key, inner]) => [key, shapeOf(inner, depth + 1)]));
}

/**
 * `.kasmos/config.toml`: its `[[hooks]]` and nothing else. That file was written for another program and must go on working unchanged, so here a
 * problem is a note and costs at most that hook, never the repo.
 */

import { messageOf } from '../../../machines/vocabulary/errors.ts';
import { type HookEvent, hookEvents } from '../../../machines/vocabulary/hook-event.ts';
import { type Origin, parseToml, problemsOf } from './document.ts';
import { type HookConfig, hookKeysOf, hookOf, hookTableSchema } from './hooks.ts';
import { placesOf } from './toml-place.ts';
import { printable } from './wording.ts';

export interface KasmosHooks {
  readonly hooks: readonly { readonly hook: HookConfig; readonly origin: Origin }[];
  readonly notes: readonly string[];
}

/** The same limit as in our own file. */
const hookLimit = 100;
/** Another name under which such files know an event. */
const aliases: Readonly<Record<string, HookEvent>> = { review_changes: 'review_changes_requested' };

/** The hooks of that text, in its order, and what was left out and why. Throws nothing. */
export function kasmosHooks(file: string, text: string): KasmosHooks {
  let raw: Record<string, unknown>;
  try {
    raw = parseToml(file, text);
  } catch (thrown) {
    return { hooks: [], notes: [`hooks are off: ${messageOf(thrown)}`] };
  }
  const tables = raw.hooks;
  if (tables === undefined) return { hooks: [], notes: [] };
  if (!Array.isArray(tables)) return { hooks: [], notes: [`${file}: hooks is no list of [[hooks]]; none is used`] };
  const places = placesOf(text);
  const hooks: { hook: HookConfig; origin: Origin }[] = [];
  const notes: string[] = [];
  if (tables.length > hookLimit) notes.push(`${file}: only the first ${hookLimit} hooks are used`);
  for (const [index, table] of tables.slice(0, hookLimit).entries()) {
    const line = places.line(['hooks', index]);
    const at = `${file}, line ${line}`;
    const known = withKnownEvents(withKnownKeys(table), (note) => notes.push(`${at}: ${note}`));
    if (known === null) continue;
    const parsed = hookTableSchema.safeParse(known);
    if (parsed.success) hooks.push({ hook: hookOf(parsed.data), origin: { file, line } });
    else {
      const form = { keysOf: () => [], elsewhere: () => null };
      const [problem] = problemsOf(parsed.error.issues[0] ?? never(), {
        form,
        raw: known,
        places: { line: () => line },
      });
      notes.push(`${at}: this hook is off: ${problem?.message}`);
    }
  }
  return { hooks, notes };
}

function withKnownKeys(table: unknown): Record<string, unknown> {
  if (typeof table !== 'object' || table === null) return {};
  const type = 'type' in table ? table.type : null;
  const known = new Set(hookKeysOf(type));
  return Object.fromEntries(Object.entries(table).filter(([key]) => known.has(key)));
}

/** An unknown event is left out; a hook whose events are all unknown is null, since an empty list would mean all. */
function withKnownEvents(table: Record<string, unknown>, note: (text: string) => void): Record<string, unknown> | null {
  const { events } = table;
  if (!Array.isArray(events) || events.length === 0) return table;
  const wanted = events.map((event) => (typeof event === 'string' ? plainEvent(event) : event));
  const known = wanted.filter((event) => (hookEvents as readonly unknown[]).includes(event));
  const unknown = wanted.filter((event) => !known.includes(event)).map((event) => printable(String(event)));
  if (unknown.length > 0) note(`unknown events are left out: ${unknown.join(', ').slice(0, 500)}`);
  if (known.length > 0) return { ...table, events: [...new Set(known)] };
  note('this hook is off: it has no known event');
  return null;
}

function plainEvent(event: string): string {
  const plain = event.trim().replaceAll('-', '_');
  return Object.hasOwn(aliases, plain) ? String(aliases[plain]) : plain;
}

function never(): never {
  throw new Error('a failed check without an issue');
}

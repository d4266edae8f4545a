/** `defineMachine`: what a program brings is looked at once, before anything of it runs. */
import type { AnyStateMachine, AnyStateNode } from 'xstate';
import { EngineError } from '../machines/vocabulary/errors.ts';
import { isHostName } from '../machines/vocabulary/host-name.ts';
import { isMachineName } from '../machines/vocabulary/ids.ts';
import type { AnyDefinition, MachineDefinition } from './definition.ts';
import { ownBirth, tagsOfMachine } from './own-machine.ts';

/** What the engine itself tells a machine: nobody may send it from outside. */
const ownWords: ReadonlySet<string> = new Set([ownBirth, 'effect_failed', 'message_failed', 'timer_due']);

/**
 * A machine of one's own, for `createEngine({ machines })` and for daemon.toml. Throws `bad_machine` with the place: a name that is taken, an action that
 * the machine does not have, a chart that starts something which no restart would find again.
 */
export function defineMachine<const Name extends string, M extends AnyStateMachine>(
  // Inferred from these two alone: were a handler asked too, the type of the event that it answers would be `string`.
  definition: { readonly name: Name; readonly machine: M } & NoInfer<MachineDefinition<Name, M>>,
): MachineDefinition<Name, M> {
  checkDefinition(definition);
  return definition;
}

const known: Record<keyof MachineDefinition, true> = {
  name: true,
  machine: true,
  version: true,
  upgrades: true,
  signals: true,
  effects: true,
  view: true,
  notices: true,
};

/** The same for what a file exports, which may be anything. Throws `bad_machine`. */
export function checkDefinition(given: unknown): asserts given is AnyDefinition {
  if (typeof given !== 'object' || given === null)
    throw refused('a machine', 'it is no definition', 'export what defineMachine({ name, machine, version }) answers');
  const definition = given as AnyDefinition; // looked at part by part below
  const { name, machine, version, upgrades = {}, signals = {}, effects = {}, notices = {} } = definition;
  const what = `machine ${JSON.stringify(name)}`;
  if (typeof name !== 'string' || !isMachineName(name))
    throw refused(
      what,
      'its name cannot be used',
      'a lower-case word of letters, digits and -, which no machine of stator has',
    );
  const unknown = Object.keys(definition).find((key) => !Object.hasOwn(known, key));
  if (unknown !== undefined)
    throw refused(what, `there is no "${unknown}"`, `it takes ${Object.keys(known).join(', ')}`);
  if (typeof machine?.provide !== 'function' || machine.root === undefined)
    throw refused(what, 'machine: it is no state machine', 'give what setup(…).createMachine(…) of xstate 5 returned');
  if (!Number.isInteger(version) || version < 1)
    throw refused(what, `version is ${String(version)}`, 'give a whole number, from 1');
  checkUpgrades(what, version, Object.keys(upgrades));
  checkChart(what, machine);
  for (const [type, schema] of Object.entries(signals)) {
    if (ownWords.has(type)) throw refused(what, `signals.${type}: the engine alone says this`, 'give it another name');
    if (typeof (schema as { safeParse?: unknown } | undefined)?.safeParse !== 'function')
      throw refused(what, `signals.${type}: it is no schema`, 'give a zod schema, such as z.object({})');
  }
  const tags = tagsOfMachine(definition);
  for (const [tag, text] of Object.entries(notices)) {
    if (!tags.includes(tag))
      throw refused(what, `notices: no state has the tag "${tag}"`, `there are ${tags.join(', ') || 'none'}`);
    if (typeof text !== 'function')
      throw refused(what, `notices["${tag}"] is ${typeof text}`, 'give a function from a snapshot to a text');
  }
  const { actions } = machine.implementations;
  for (const [action, effect] of Object.entries(effects)) {
    checkEffect(`${what}: effects.${action}`, effect, actions);
    checkAction(`${what}: effects.${action}`, action, actions);
  }
}

function refused(what: string, why: string, hint: string): EngineError {
  return new EngineError('bad_machine', `${what}: ${why}`, hint);
}

function checkUpgrades(what: string, version: number, from: readonly string[]): void {
  const odd = from.find((key) => !/^[1-9]\d*$/.test(key) || Number(key) >= version);
  if (odd === undefined) return;
  throw refused(
    what,
    `upgrades["${odd}"] leads from no earlier version`,
    `it is of version ${version}: from 1 to ${version - 1}`,
  );
}

function checkAction(what: string, action: string, actions: Readonly<Record<string, unknown>>): void {
  if (!Object.hasOwn(actions, action))
    throw refused(
      what,
      'the machine has no such action',
      `name it in setup({ actions }); there are ${Object.keys(actions).join(', ') || 'none'}`,
    );
  const own = actions[action];
  if (typeof own === 'function' && 'resolve' in own)
    throw refused(
      what,
      'the action does something of its own (assign, raise, …)',
      'bind an action that is a plain function, and keep the other beside it',
    );
}

const fields = {
  run: ['run', 'lane', 'limit', 'host', 'attempts', 'timeoutMs', 'stoppedBy'],
  afterMs: ['afterMs', 'event', 'stoppedBy'],
  send: ['send'],
  watch: ['watch'],
} as const;

function checkEffect(what: string, effect: unknown, actions: Readonly<Record<string, unknown>>): void {
  if (typeof effect !== 'object' || effect === null)
    throw refused(what, 'it is no effect', 'give { run }, { afterMs, event }, { send } or { watch }');
  const values = effect as Record<string, unknown>; // looked at field by field
  const form = (['run', 'afterMs', 'send', 'watch'] as const).find((key) => key in effect);
  if (form === undefined)
    throw refused(what, 'it says nothing to do', 'give { run }, { afterMs, event }, { send } or { watch }');
  const odd = Object.keys(effect).find((key) => !(fields[form] as readonly string[]).includes(key));
  if (odd !== undefined)
    throw refused(what, `there is no "${odd}"`, `with ${form} it takes ${fields[form].join(', ')}`);
  const isFunction = typeof values[form] === 'function';
  const isNumber = form === 'afterMs' && typeof values.afterMs === 'number' && values.afterMs >= 0;
  if (!isFunction && !isNumber) throw refused(what, `${form} is ${typeof values[form]}`, 'give a function');
  if (form === 'afterMs' && typeof values.event !== 'string')
    throw refused(what, 'event is not there', 'name the type of the event that comes then');
  for (const key of ['limit', 'attempts', 'timeoutMs'] as const) {
    const value = values[key];
    if (value !== undefined && !(Number.isInteger(value) && Number(value) >= 1))
      throw refused(what, `${key} is ${String(value)}`, 'give a whole number, from 1');
  }
  if (values.lane !== undefined && !(typeof values.lane === 'string' && /^[a-z][a-zA-Z0-9_-]{0,63}$/.test(values.lane)))
    throw refused(what, `lane is ${JSON.stringify(values.lane)}`, 'give a word of letters and digits');
  if (values.host !== undefined && !(typeof values.host === 'string' && isHostName(values.host)))
    throw refused(what, `host is ${JSON.stringify(values.host)}`, 'give the name of a host, or one of its labels');
  for (const by of (values.stoppedBy ?? []) as readonly string[]) checkAction(`${what}.stoppedBy`, by, actions);
}

/** What XState starts by itself dies with the process, and no restart would begin it again. */
function checkChart(what: string, machine: AnyStateMachine): void {
  for (const node of nodesOf(machine.root)) {
    const place = node.path.length === 0 ? 'the root' : `state ${node.path.join('.')}`;
    if (node.invoke.length > 0)
      throw refused(
        what,
        `${place} invokes an actor, which a restart would begin anew`,
        'make it a named action and bind that in effects: { run }',
      );
    if (node.after.length > 0)
      throw refused(
        what,
        `${place} has "after", which a restart forgets`,
        'make it a named action and bind that in effects: { afterMs, event }',
      );
    if (node.type === 'history')
      throw refused(what, `${place} is a history state, which is not kept`, 'remember the state in the context');
  }
}

function* nodesOf(node: AnyStateNode): Generator<AnyStateNode> {
  yield node;
  for (const child of Object.values(node.states)) yield* nodesOf(child);
}

/** `defineMachine`: checks the machine that a program brings once, before any part of it runs. */
import type { AnyStateMachine, AnyStateNode } from 'xstate';
import { EngineError } from '../machines/vocabulary/errors.ts';
import { foundText } from '../machines/vocabulary/found-text.ts';
import { isHostName } from '../machines/vocabulary/host-name.ts';
import { isMachineName } from '../machines/vocabulary/ids.ts';
import { meantText, namesThere, slips } from '../machines/vocabulary/slips.ts';
import type { AnyDefinition, ChartId, EventType, MachineDefinition, MachineSchedule, Written } from './definition.ts';
import { eachLogic, type LogicKind, logicKindOf, promisesOf } from './durable-logic.ts';
import { outputAwaited, promiseSettled } from './output-wait.ts';
import { actorName, machineUpgraded, nameOf, ownBirth, tagsOfMachine, treeDeleted } from './own-machine.ts';
import { joinedGuards } from './xstate-internals.ts';

/** Events that the engine itself sends a machine: they are refused from outside. */
const engineEvents: ReadonlySet<string> = new Set([
  ownBirth,
  'effect_failed',
  'message_failed',
  'timer_due',
  promiseSettled,
  outputAwaited,
  machineUpgraded,
  treeDeleted,
]);

/** Ends and errors of actors, and delays: a sender of these would pretend to be an actor. Only `xstate.route` may come from outside. */
function isOfXState(type: string): boolean {
  return /^(?:xstate|stator)\./.test(type) && type !== 'xstate.route';
}

/**
 * A user-defined machine, for `createEngine({ machines })` and for daemon.toml. Without a name it has the id of its chart, and it begins with version 1.
 * Throws `bad_machine` with the place: a name that is taken, an action that the machine does not have, a chart that starts something which no restart would
 * find again.
 */
export function defineMachine<
  M extends AnyStateMachine,
  const Name extends string = ChartId<M>,
  Signal extends EventType<M> = never,
>(
  // Inferred from these alone: if a handler took part, the type of its event would be `string`.
  definition: {
    readonly name?: Name;
    readonly machine: M;
    readonly signals?: { readonly [Type in Signal]: unknown };
  } & NoInfer<Written<MachineDefinition<Name, M, Signal>>>,
): MachineDefinition<Name, M, Signal> {
  const whole = wholeOf(definition);
  checkDefinition(whole);
  return whole as MachineDefinition<Name, M, Signal>; // with the name of the chart, or the one that was given
}

/** With defaults for what is left out: a program without types may give anything. */
function wholeOf(given: unknown): unknown {
  if (typeof given !== 'object' || given === null) return given;
  const { machine } = given as Partial<AnyDefinition>;
  return { name: machine?.id ?? '', version: 1, ...given };
}

const known: Record<keyof MachineDefinition, true> = {
  name: true,
  machine: true,
  version: true,
  upgrades: true,
  signals: true,
  effects: true,
  actors: true,
  view: true,
  schedules: true,
  notices: true,
};

/** The same for what a file exports, which may be anything. Throws `bad_machine`. */
export function checkDefinition(given: unknown): asserts given is AnyDefinition {
  if (typeof given !== 'object' || given === null || Array.isArray(given))
    throw refused('a machine', 'it is no definition', 'export what defineMachine({ name, machine, version }) answers');
  if ('root' in given && 'implementations' in given)
    throw refused(
      'a machine',
      'it is a chart without its definition',
      'give what defineMachine({ machine: chart }) answers',
    );
  const definition = given as AnyDefinition; // checked part by part below
  const { name, machine, version, upgrades = {}, signals = {}, notices = {} } = definition;
  const what = name === undefined ? 'a machine' : `machine ${JSON.stringify(name)}`;
  if (typeof name !== 'string' || !isMachineName(name))
    throw refused(
      what,
      'its name cannot be used',
      'give name a lower-case word of letters, digits and -, which is no built-in name; the default is the id of the chart',
    );
  const unknown = Object.keys(definition).find((key) => !Object.hasOwn(known, key));
  if (unknown !== undefined)
    throw refused(what, `there is no "${unknown}"`, `it takes ${Object.keys(known).join(', ')}`);
  if (typeof machine?.provide !== 'function' || machine.root === undefined)
    throw refused(what, 'machine: it is no state machine', 'give what setup(…).createMachine(…) of xstate 5 returned');
  if (!Number.isInteger(version) || version < 1) throw wrong(what, 'version', version, 'a whole number, from 1');
  checkUpgrades(what, version, Object.keys(upgrades));
  checkChart(what, machine);
  checkHolds(what, machine);
  checkActors(what, definition);
  for (const [type, schema] of Object.entries(signals)) {
    if (engineEvents.has(type) || isOfXState(type))
      throw refused(what, `signals.${type}: the engine alone says this`, 'give it another name');
    if (typeof (schema as { safeParse?: unknown } | undefined)?.safeParse !== 'function')
      throw wrong(what, `signals.${type}`, schema, 'a zod schema, such as z.object({})');
  }
  for (const [schedule, given] of Object.entries(definition.schedules ?? {})) checkSchedule(what, schedule, given);
  const tags = tagsOfMachine(definition);
  for (const [tag, text] of Object.entries(notices)) {
    if (!tags.includes(tag)) throw refused(what, `notices: no state has the tag "${tag}"`, namesThere(tags));
    if (typeof text !== 'function')
      throw wrong(what, `notices["${tag}"]`, text, 'a function from a snapshot to a text');
  }
  checkEffects(what, definition);
}

/** Throws `bad_machine` for a value that is no machine, and for a name that is given twice. */
export function checkedMachines(given: readonly AnyDefinition[]): readonly AnyDefinition[] {
  for (const definition of given) checkDefinition(definition);
  const twice = given.find(({ name }, index) => given.findIndex((other) => other.name === name) !== index);
  if (twice === undefined) return given;
  throw new EngineError('bad_machine', `machine "${twice.name}" is there twice`, 'leave one of them out');
}

function refused(what: string, why: string, hint: string): EngineError {
  return new EngineError('bad_machine', `${what}: ${why}`, hint);
}

/** The refusal of a value that is not of the accepted form. */
function wrong(what: string, key: string, value: unknown, accepted: string): EngineError {
  return refused(
    what,
    `${key}: found ${foundText(value)}; accepted: ${accepted}`,
    `correct ${key} where the machine is defined`,
  );
}

function checkUpgrades(what: string, version: number, from: readonly string[]): void {
  const odd = from.find((key) => !/^[1-9]\d*$/.test(key) || Number(key) >= version);
  if (odd === undefined) return;
  throw refused(
    what,
    `upgrades["${odd}"] leads from no earlier version`,
    version === 1
      ? 'it is of version 1, and none is earlier: raise version when the stored shape changes'
      : `it is of version ${version}: from 1 to ${version - 1}`,
  );
}

const scheduleKeys: Record<keyof MachineSchedule, true> = {
  cron: true,
  timezone: true,
  missed: true,
  overlap: true,
  input: true,
};

/** The engine itself checks the pattern and its time zone. */
function checkSchedule(machine: string, name: string, given: unknown): void {
  const what = `${machine}: schedules.${name}`;
  if (!/^[a-z0-9][a-z0-9-]{0,63}$/.test(name))
    throw refused(what, 'its name cannot be used', 'take up to 64 of a-z 0-9 -, beginning with a letter or a digit');
  if (typeof given !== 'object' || given === null)
    throw wrong(machine, `schedules.${name}`, given, '{ cron: "0 3 * * 1-5" }, an object');
  const unknown = Object.keys(given).find((key) => !Object.hasOwn(scheduleKeys, key));
  if (unknown !== undefined)
    throw refused(what, `there is no "${unknown}"`, `it takes ${Object.keys(scheduleKeys).join(', ')}`);
  const { missed = 'once', overlap = 'refuse', input } = given as Partial<MachineSchedule>;
  if (missed !== 'once' && missed !== 'skip') throw wrong(what, 'missed', missed, '"once" or "skip"');
  if (overlap !== 'refuse' && overlap !== 'queue' && overlap !== 'allow')
    throw wrong(what, 'overlap', overlap, '"refuse", "queue" or "allow"');
  if (overlap === 'queue' && missed === 'skip')
    throw refused(
      what,
      'a time that waits for its turn would be skipped as missed',
      'give missed = "once", or another overlap',
    );
  if (input !== undefined && typeof input !== 'function')
    throw wrong(what, 'input', input, 'a function from { at } to the input of the chart');
}

/** The actions of the chart and of all machines that it may start, by their names: two machines may each have one of a name. */
type NamedActions = ReadonlyMap<string, readonly unknown[]>;

function actionsOf(machine: AnyStateMachine): NamedActions {
  const found = new Map<string, unknown[]>();
  const add = ({ implementations }: AnyStateMachine) => {
    for (const [name, action] of Object.entries(implementations.actions))
      found.set(name, [...(found.get(name) ?? []), action]);
  };
  add(machine);
  eachLogic(machine, (logic) => {
    if (logicKindOf(logic) === 'machine') add(logic as AnyStateMachine); // by its kind
  });
  return found;
}

/** An effect takes the place of its action in each machine: what XState does for `assign` and its like would be lost. */
function checkAction(what: string, action: string, actions: NamedActions): void {
  const own = actions.get(action);
  if (own === undefined)
    throw refused(
      what,
      'the machine has no such action',
      `name it in setup({ actions }); ${namesThere([...actions.keys()])}`,
    );
  if (own.some((each) => typeof each !== 'function' || 'resolve' in each))
    throw refused(
      what,
      'the action does something of its own (assign, raise, …)',
      'bind an action that is a plain function, and keep the other beside it',
    );
}

const effectForms = 'give { run }, { afterMs, event }, { send }, { start } or { watch }';

/** A longer timer of Node fires at once. */
const timerLimitMs = 2_147_483_647;
const workFields = ['lane', 'limit', 'host', 'attempts', 'timeoutMs'] as const;

const fields = {
  run: ['run', ...workFields, 'stoppedBy'],
  afterMs: ['afterMs', 'event', 'stoppedBy'],
  send: ['send'],
  start: ['start'],
  watch: ['watch'],
} as const;

const forms = Object.keys(fields) as (keyof typeof fields)[]; // the keys of the table

function checkEffects(what: string, { machine, effects = {} }: AnyDefinition): void {
  const actions = actionsOf(machine);
  const promises = promisesOf(machine);
  for (const [action, effect] of Object.entries(effects)) {
    const place = `${what}: effects.${action}`;
    checkEffect(place, effect, actions);
    checkAction(place, action, actions);
    if (promises.has(action))
      throw refused(
        place,
        'a promise of the chart has the same name, and the effect would be carried out in its place',
        'name one of them otherwise in setup({ actions, actors })',
      );
  }
}

function checkEffect(what: string, effect: unknown, actions: NamedActions): void {
  if (typeof effect !== 'object' || effect === null)
    throw refused(what, `found ${foundText(effect)}, which is no effect`, effectForms);
  const values = effect as Record<string, unknown>; // checked field by field
  const form = forms.find((key) => key in effect);
  if (form === undefined) throw refused(what, 'it says nothing to do', effectForms);
  const odd = Object.keys(effect).find((key) => !(fields[form] as readonly string[]).includes(key));
  if (odd !== undefined)
    throw refused(what, `there is no "${odd}"`, `with ${form} it takes ${fields[form].join(', ')}`);
  const isFunction = typeof values[form] === 'function';
  const isDelay = Number.isFinite(values.afterMs) && Number(values.afterMs) >= 0;
  if (!isFunction && !isDelay)
    throw wrong(what, form, values[form], form === 'afterMs' ? 'a function, or milliseconds from 0' : 'a function');
  if (form === 'afterMs' && typeof values.event !== 'string')
    throw wrong(what, 'event', values.event, 'the type of the event that comes then, a text');
  checkLimits(what, values, fields[form]);
  const { stoppedBy = [] } = values;
  if (!Array.isArray(stoppedBy)) throw wrong(what, 'stoppedBy', stoppedBy, 'a list of actions');
  for (const by of stoppedBy) checkAction(`${what}.stoppedBy`, by, actions);
}

function checkLimits(what: string, values: Readonly<Record<string, unknown>>, taken: readonly string[]): void {
  const odd = Object.keys(values).find((key) => !taken.includes(key));
  if (odd !== undefined) throw refused(what, `there is no "${odd}"`, `it takes ${taken.join(', ')}`);
  for (const key of ['limit', 'attempts', 'timeoutMs'] as const) {
    const value = values[key];
    if (value !== undefined && !(Number.isInteger(value) && Number(value) >= 1))
      throw wrong(what, key, value, 'a whole number, from 1');
  }
  if (Number(values.timeoutMs) > timerLimitMs)
    throw wrong(what, 'timeoutMs', values.timeoutMs, `a whole number, to ${timerLimitMs} (24 days)`);
  if (values.lane !== undefined && !(typeof values.lane === 'string' && /^[a-z][a-zA-Z0-9_-]{0,63}$/.test(values.lane)))
    throw wrong(what, 'lane', values.lane, 'a lower-case letter, then up to 63 letters, digits, - or _');
  if (values.host !== undefined && !(typeof values.host === 'string' && isHostName(values.host)))
    throw wrong(what, 'host', values.host, 'the name of a host, or one of its labels');
}

/** The kinds of logic that a durable machine cannot keep: why, and what to use instead. */
const refusedLogic: Partial<Record<LogicKind, readonly [why: string, hint: string]>> = {
  callback: [
    'it is made by fromCallback, which lives in one process only',
    'let a promise (fromPromise) do the work; or send the machine what comes from outside: signals',
  ],
  observable: [
    'it is made by fromObservable or fromEventObservable, which live in one process only',
    'send the machine what comes from outside: signals; or ask again and again: fromPromise and a delay',
  ],
  unknown: ['it is no logic of XState', 'give a machine, fromPromise(…) or fromTransition(…)'],
};

/** Everything that the chart may start survives a restart, or is refused here by its name; and nothing that it names is missing. */
function checkChart(what: string, machine: AnyStateMachine): void {
  checkNames(what, machine);
  eachLogic(machine, (logic, label) => {
    const kind = logicKindOf(logic);
    const refusal = refusedLogic[kind];
    if (refusal !== undefined) throw refused(what, `actor "${label}": ${refusal[0]}`, refusal[1]);
    if (kind === 'machine') checkNames(`${what}: actor "${label}"`, logic as AnyStateMachine);
  });
}

/** Signals of these types wait while the machine is in the state. */
function checkHolds(what: string, { root }: AnyStateMachine): void {
  for (const node of nodesOf(root)) {
    const { holds = [] } = (node.meta ?? {}) as { readonly holds?: unknown }; // checked here
    if (!Array.isArray(holds) || holds.some((type) => typeof type !== 'string'))
      throw wrong(what, `meta.holds of ${placeOf(node)}`, holds, 'a list of types of signals');
  }
}

function checkActors(what: string, { machine, actors = {} }: AnyDefinition): void {
  const known = [...promisesOf(machine).keys()];
  for (const [name, work] of Object.entries(actors)) {
    if (!known.some((label) => label === name || actorName(label) === name))
      throw refused(`${what}: actors.${name}`, 'the chart has no such promise', among(name, known));
    if (typeof work !== 'object' || work === null)
      throw wrong(what, `actors.${name}`, work, '{ attempts, timeoutMs, lane, limit, host }, an object');
    checkLimits(`${what}: actors.${name}`, work as Record<string, unknown>, workFields);
  }
}

/** What the states name must be implemented: an unknown action would silently do nothing. XState enters a state with `after` by an action with its delay. */
function checkNames(what: string, machine: AnyStateMachine): void {
  const { actions, guards, actors, delays } = machine.implementations;
  const must = (kind: string, name: unknown, known: Readonly<Record<string, unknown>>, place: string) => {
    if (typeof name !== 'string' || Object.hasOwn(known, name) || /^xstate\./.test(name)) return;
    throw refused(
      what,
      `${place} names the ${kind} "${name}", which nobody implements`,
      among(name, Object.keys(known)),
    );
  };
  const mustAction = (action: unknown, place: string) => {
    must('action', nameOf(action), actions, place);
    must('delay', partOf(action, 'delay'), delays, place);
    const begun = partOf(action, 'src');
    must('actor', begun, actors, place);
    if (typeof begun === 'object' && begun !== null)
      throw refused(
        what,
        `${place}: spawnChild is given the logic itself, which no restart would find again`,
        "name it in setup({ actors }), and give the name: spawnChild('name')",
      );
  };
  for (const [name, action] of Object.entries(actions)) mustAction(action, `the action "${name}"`);
  for (const [name, guard] of Object.entries(guards))
    for (const inner of guardNames(guard)) must('guard', inner, guards, `the guard "${name}"`);
  for (const node of nodesOf(machine.root)) {
    const place = placeOf(node);
    const transitions = [node.initial, ...[...node.transitions.values(), node.always ?? []].flat()];
    const acts = [...node.entry, ...node.exit, ...transitions.flatMap((each) => each.actions)];
    for (const action of acts) mustAction(action, place);
    for (const { guard } of transitions) for (const name of guardNames(guard)) must('guard', name, guards, place);
    for (const { src } of node.invoke) must('actor', src, actors, place);
  }
}

function placeOf({ path }: AnyStateNode): string {
  return path.length === 0 ? 'the root' : `state ${path.join('.')}`;
}

/** The delay of a `raise` or `sendTo`, or the logic of a `spawnChild`, of an action that XState made. */
function partOf(action: unknown, part: 'delay' | 'src'): unknown {
  if (typeof action !== 'function' || !('resolve' in action)) return null;
  return (action as { readonly [part in 'delay' | 'src']?: unknown })[part] ?? null; // its own properties
}

/** The guards inside `and`, `or` and `not`. */
function guardNames(guard: unknown): unknown[] {
  return joinedGuards(guard)?.flatMap(guardNames) ?? [nameOf(guard)];
}

function among(name: string, known: readonly string[]): string {
  const slipsTo = (word: string) => slips(name.toLowerCase(), word.toLowerCase());
  const [near = null] = known.filter((word) => slipsTo(word) <= 2).sort((a, b) => slipsTo(a) - slipsTo(b));
  return `${meantText(near)}${namesThere(known)}`;
}

function* nodesOf(node: AnyStateNode): Generator<AnyStateNode> {
  yield node;
  for (const child of Object.values(node.states)) yield* nodesOf(child);
}

/** What one region of a chart does for each event, written out: which conditions lead to which state, with which actions. */
import { type AnyStateMachine, type AnyStateNode, createMachine, type StateValue, transition } from 'xstate';
import { nodesOf } from './cells.ts';

/** Conditions that are always answered in the same way can lead in a circle. */
const maxQuestions = 60;
/** No state has a transition for it, so only those that need no event are taken. */
const nothing = 'nothing';
/** Where a region is before a test puts it into a state: there it asks for nothing. */
const outside = 'outside';

interface Config {
  readonly states?: Readonly<Record<string, Config>> | undefined;
  readonly on?: unknown;
  readonly always?: unknown;
}

/** The region without the transitions that need no event. */
function withoutAlways({ always: _, states, ...rest }: Config): Config {
  const each = Object.entries(states ?? {}).map(([name, state]) => [name, withoutAlways(state)]);
  return states === undefined ? rest : { ...rest, states: Object.fromEntries(each) };
}

const pathValue = (path: readonly string[]): StateValue =>
  path.reduceRight<StateValue | undefined>((value, key) => (value === undefined ? key : { [key]: value }), undefined) ??
  {};
const nameOf = (name: string, params: unknown) =>
  params === undefined ? name : `${name}(${typeof params === 'object' ? JSON.stringify(params) : String(params)})`;

/** With those that it ignores by name. */
const eventsOf = (node: AnyStateNode): readonly string[] => [...node.transitions.keys()].filter((type) => type !== '');

/** A region by itself, in which each condition is answered by a test, and each action only adds its name to a list. */
class Region {
  readonly root: AnyStateNode;
  private readonly machine: AnyStateMachine;
  private readonly answers = new Map<string, boolean>();
  private readonly asked: string[] = [];
  private count = 0;
  private readonly did: string[] = [];

  constructor({ id, implementations }: AnyStateMachine, name: string, config: Config) {
    const each = <T>(names: object, make: (name: string) => T) =>
      Object.fromEntries(Object.keys(names).map((one) => [one, make(one)]));
    const guards = each(
      implementations.guards,
      (guard) => (_: unknown, params: unknown) => this.holds(nameOf(guard, params)),
    );
    const actions = each(implementations.actions, (action) => (_: unknown, params: unknown) => {
      this.did.push(nameOf(action, params));
    });
    const region = { ...config, initial: outside, states: { ...config.states, [outside]: {} } };
    const chart = { id, type: 'parallel', states: { [name]: region } };
    this.machine = createMachine(chart as never, { guards, actions } as never);
    this.root = this.machine.root.states[name] as AnyStateNode;
  }

  private holds(name: string): boolean {
    if (!this.asked.includes(name)) this.asked.push(name);
    this.count += 1;
    return this.count <= maxQuestions && this.answers.get(name) === true;
  }

  nameOf(node: AnyStateNode): string {
    return node === this.root || node.key === outside ? 'anywhere' : node.path.slice(1).join('.');
  }

  /** The first state within it, or itself, to which none of its own states has an answer to the event. */
  *leavesFor(node: AnyStateNode, type: string): Generator<AnyStateNode> {
    const below = Object.values(node.states);
    if (below.length === 0) yield node;
    for (const child of below) if (!eventsOf(child).includes(type)) yield* this.leavesFor(child, type);
  }

  private step(leaf: AnyStateNode, type: string) {
    this.asked.length = 0;
    this.count = 0;
    this.did.length = 0;
    const start = this.machine.resolveState({ value: pathValue(leaf.path), context: {} });
    const event = { type: type.replace(/\*$/, 'x') };
    const found = this.machine.getTransitionData(start, event);
    const isIgnored = found.length > 0 && found.every((one) => one.target === undefined && one.actions.length === 0);
    const [next, actions] = transition(this.machine, start, event);
    for (const { exec, params } of actions) exec?.(undefined as never, params as never);
    const state = [...nodesOf(this.root)].findLast((node) => next.matches(pathValue(node.path) as never));
    return {
      asked: [...this.asked],
      did: [...this.did],
      isIgnored,
      state: state === undefined ? '?' : this.nameOf(state),
    };
  }

  /** A line for each way in which conditions that hold lead somewhere. */
  *ways(leaf: AnyStateNode, type: string, given: readonly (readonly [string, boolean])[] = []): Generator<string> {
    this.answers.clear();
    for (const [name, does] of given) this.answers.set(name, does);
    const { asked, did, isIgnored, state } = this.step(leaf, type);
    const isSame = state === this.nameOf(leaf);
    const held = given.flatMap(([name, does]) => (does ? [name] : []));
    if (!isSame || did.length > 0 || isIgnored) {
      const condition = held.length === 0 ? '' : ` [${held.join(', ')}]`;
      yield `  ${type}${condition} → ${isIgnored ? 'ignored' : isSame ? 'stays' : state}${did.length === 0 ? '' : `: ${did.join(', ')}`}`;
    }
    for (const [index, name] of asked.entries()) {
      if (index < given.length) continue;
      const before = asked.slice(0, index).map((each, at) => [each, given[at]?.[1] ?? false] as const);
      yield* this.ways(leaf, type, [...before, [name, true]]);
    }
  }
}

/**
 * For each state of the region, with its tags and its data (`root`: for the chart itself, without its regions): what it does for each of its events, by the conditions that hold; and for `nothing`, by which it is left at
 * once. What an event leads to is written without what follows at once.
 */
export function decisionsOf(machine: AnyStateMachine, name: string): string {
  const { on, always, states = {} }: Config = machine.config;
  const config = name === 'root' ? { on, always } : (states[name] ?? {});
  const steps = new Region(machine, name, withoutAlways(config));
  const whole = new Region(machine, name, config);
  const leftAtOnce = new Map([...nodesOf(whole.root)].map((node) => [node.id, node]));

  return [...nodesOf(steps.root)]
    .filter(({ key }) => key !== outside)
    .map((node) => {
      const ofEvents = eventsOf(node).flatMap((type) => {
        const [leaf] = steps.leavesFor(node, type);
        return leaf === undefined ? [] : [...steps.ways(leaf, type)];
      });
      const original = leftAtOnce.get(node.id);
      const ofNothing =
        original?.always === undefined || original.always.length === 0 ? [] : [...whole.ways(original, nothing)];
      const tags = node.tags.length === 0 ? '' : ` (${node.tags.join(', ')})`;
      const data = node.meta === undefined ? '' : ` ${JSON.stringify(node.meta)}`;
      return [`${steps.nameOf(node)}${tags}${data}`, ...ofEvents, ...ofNothing].join('\n');
    })
    .join('\n\n');
}

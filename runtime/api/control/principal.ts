/** The sender of a request to the control API: the owner of the home, a person with a role, a run with its token, or a check, which may change nothing. */

import { AsyncLocalStorage } from 'node:async_hooks';
import { EngineError } from '../../../machines/vocabulary/errors.ts';
import { type Origin, type SignalType, signalTypeOf } from '../../../machines/vocabulary/signal.ts';
import { type Person, type PersonRole, personRoles, readPerson } from '../../base/platform/people.ts';
import { newToken } from '../../base/platform/token.ts';
import type { RunRow } from '../../core/store/rows.ts';
import type { Commands } from '../commands/commands.ts';
import type { Sender } from '../operations/operation.ts';
import { bearerIn } from './web-guard.ts';

/** `owner`: only the owner of the home, and no person with a role. */
export type Need = PersonRole | 'owner';

/** Signals that answer a question of an agent or a plan. Every other signal needs the role `steer`. */
export const answeringSignals: readonly SignalType[] = ['answer', 'resolve', 'agent_allow', 'agent_deny'];

export function needOfSignal(type: string): Need {
  const known = signalTypeOf(type);
  return known !== null && answeringSignals.includes(known) ? 'answer' : 'steer';
}

/** Throws `forbidden`. */
export function refuseLowerRole({ name, role }: Person, need: Need): void {
  const isEnough = need !== 'owner' && personRoles.indexOf(role) >= personRoles.indexOf(need);
  if (isEnough) return;
  throw new EngineError(
    'forbidden',
    need === 'owner'
      ? `${name} has the role ${role}, and only the owner of the home may do this`
      : `${name} has the role ${role}, and this needs the role ${need}`,
    need === 'owner'
      ? 'ask the owner to do it on that machine'
      : `the owner gives you a token with that role: stator token remove ${name}, then stator token add ${name} --role ${need}`,
  );
}

const acting = new AsyncLocalStorage<string>();

/** Runs `work` in the name of that person. */
function actAs<T>({ name }: Person, work: () => T): T {
  return acting.run(name, work);
}

/** The origin with the name of the acting person, if that person has one. */
export function namedOrigin(origin: Origin): Origin {
  const name = acting.getStore();
  return origin === 'person' && name !== undefined ? `person:${name}` : origin;
}

/**
 * People with a token of their own (`stator token add`). The server that accepts their token replaces it with a pass. A pass never leaves the process, and each
 * use reads the person's file again.
 */
export interface Passes {
  /** The header Authorization that identifies that person to the app. */
  headerOf(person: Person): string;
  /** null: it is no pass. Throws `unauthorized` if the person's token was removed. */
  personOf(header: string): Person | null;
}

const prefix = 'Bearer person.';

export function createPasses(home: string): Passes {
  const people = new Map<string, Pick<Person, 'name' | 'hash'>>();
  return {
    headerOf(person) {
      for (const [header, { name, hash }] of people) if (name === person.name && hash === person.hash) return header;
      const header = `${prefix}${newToken()}`;
      people.set(header, person);
      return header;
    },
    personOf(header) {
      if (!header.startsWith(prefix)) return null;
      const known = people.get(header);
      const now = known === undefined ? null : readPerson(home, known.name);
      if (now !== null && now.hash === known?.hash) return now;
      if (known !== undefined) people.delete(header);
      throw new EngineError('unauthorized', 'the token was taken away', 'ask the owner of the home for another one');
    },
  };
}

/** The names in a request's path. */
export interface Named {
  readonly project?: string;
  readonly plan?: string;
}

interface PlanName {
  readonly project: string;
  readonly plan: string;
}

export interface Principal {
  /** The person with a role who sent the request; null: any other sender. */
  named(): Person | null;
  /** Throws `forbidden` to a person whose role is not enough. */
  mustHave(need: Need): void;
  /** Carries out the request in the sender's name. */
  act<T>(work: () => T): T;
  /** Throws `not_allowed` to an agent, `unauthorized`. */
  mustBePerson(): Promise<void>;
  /** Refuses an agent for any plan but its own; a person may act on every plan. Throws `not_allowed`, `unauthorized`. */
  mustOwn(project: string, plan: string): Promise<Sender>;
  /** The plan of the agent that sent the request; null: a person sent it. Throws `forbidden`, `unauthorized`. */
  ownPlan(): Promise<PlanName | null>;
  /** A run's own socket shows only its own plan. Throws `forbidden`, `unauthorized`. */
  maySee(named: Named): Promise<void>;
}

/** An entrance to the API: its senders, and their routes. */
export interface Entrance {
  /** Only the routes of agents, those with `inRuns`. */
  readonly isOfRun: boolean;
  /** `header` is the request's Authorization; the owner's request has none. */
  principal(header: string | undefined): Principal;
}

const asksPerson = 'ask for it with: stator signal emit needs_decision --payload "<why>"';

/** For senders without a role. */
const nobodyNamed: Pick<Principal, 'named' | 'mustHave' | 'act'> = {
  named: () => null,
  mustHave() {},
  act: (work) => work(),
};

/** The entrance for people and their programs. A request with a run's token comes from that run, and one with a pass from that person. */
export function personEntrance(
  commands: Pick<Commands, 'runOfToken'>,
  personOf: Passes['personOf'] = () => null,
): Entrance {
  return {
    isOfRun: false,
    principal(header) {
      const person = header === undefined ? null : personOf(header);
      if (person !== null) return namedPrincipal(person);
      const run = async () => (header === undefined ? null : commands.runOfToken(tokenOf(header)));
      return {
        ...nobodyNamed,
        async mustBePerson() {
          const who = await run();
          if (who !== null) throw onlyPerson(who);
        },
        async mustOwn(project, plan) {
          const who = await run();
          return who === null ? { origin: 'person', run: null } : senderOf(who, { project, plan });
        },
        async ownPlan() {
          const who = await run();
          return who === null ? null : { project: who.project, plan: who.plan };
        },
        async maySee() {},
      };
    },
  };
}

function namedPrincipal(person: Person): Principal {
  return {
    named: () => person,
    mustHave: (need) => refuseLowerRole(person, need),
    act: (work) => actAs(person, work),
    async mustBePerson() {},
    async mustOwn() {
      return { origin: 'person', run: null };
    },
    async ownPlan() {
      return null;
    },
    async maySee() {},
  };
}

/** The entrance for one run: it accepts that run's token, and no other. */
export function runEntrance(
  commands: Pick<Commands, 'runOfToken'>,
  own: PlanName & { readonly key: string },
): Entrance {
  return {
    isOfRun: true,
    principal(header) {
      async function run(): Promise<RunRow> {
        const found = header === undefined ? null : await commands.runOfToken(tokenOf(header));
        if (found?.key === own.key) return found;
        throw new EngineError(
          'unauthorized',
          found === null ? 'this socket is of a run, and no token came along' : 'the token is that of another run',
          'send the token of the run whose socket this is: Authorization: Bearer $STATOR_TOKEN',
        );
      }
      return {
        ...nobodyNamed,
        async mustBePerson() {
          throw onlyPerson(await run());
        },
        async mustOwn(project, plan) {
          return senderOf(await run(), { project, plan });
        },
        async ownPlan() {
          await run();
          return { project: own.project, plan: own.plan };
        },
        async maySee(named) {
          await run();
          refuseOther(own, named);
        },
      };
    },
  };
}

/** The entrance for a check: it may read its own plan, and change nothing. */
export function checkEntrance(own: PlanName): Entrance {
  const noSay = () =>
    new EngineError('forbidden', 'a check may not send signals', 'its exit code is its result: 0 means passed');
  return {
    isOfRun: true,
    principal: () => ({
      ...nobodyNamed,
      async mustBePerson() {
        throw noSay();
      },
      async mustOwn() {
        throw noSay();
      },
      async ownPlan() {
        throw noSay();
      },
      async maySee(named) {
        refuseOther(own, named);
      },
    }),
  };
}

/** Throws `unauthorized`. */
function tokenOf(header: string): string {
  const token = bearerIn(header);
  if (token !== null) return token;
  throw new EngineError(
    'unauthorized',
    'the Authorization header is not "Bearer <token>"',
    'leave it out to speak as a person (stator: unset STATOR_TOKEN)',
  );
}

function onlyPerson({ title }: RunRow): EngineError {
  return new EngineError('not_allowed', `agent:${title} may not do this, only a person may`, asksPerson);
}

function senderOf(who: RunRow, { project, plan }: PlanName): Sender {
  const origin = `agent:${who.title}` as const;
  if (who.project === project && who.plan === plan) return { origin, run: who.run };
  throw new EngineError(
    'not_allowed',
    `${origin} belongs to ${who.project}/${who.plan}, not to ${project}/${plan}`,
    'an agent speaks of its own plan only',
  );
}

function refuseOther(own: PlanName, { project = own.project, plan = own.plan }: Named): void {
  if (project === own.project && plan === own.plan) return;
  throw new EngineError(
    'forbidden',
    `this socket shows ${own.project}/${own.plan}, not ${project}/${plan}`,
    'an agent sees its own plan only',
  );
}

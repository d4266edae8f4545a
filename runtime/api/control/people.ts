/**
 * People with a token of their own (`stator token add`): what each role may do, and how the engine identifies them. The server that accepts their token
 * replaces it with a pass. A pass never leaves the process, and each use reads the person's file again.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import { EngineError } from '../../../machines/vocabulary/errors.ts';
import { type Origin, type SignalType, signalTypeOf } from '../../../machines/vocabulary/signal.ts';
import { type Person, type PersonRole, personRoles, readPerson } from '../../base/platform/people.ts';
import { newToken } from '../../base/platform/token.ts';

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
export function actAs<T>({ name }: Person, work: () => T): T {
  return acting.run(name, work);
}

/** The origin with the name of the acting person, if that person has one. */
export function namedOrigin(origin: Origin): Origin {
  const name = acting.getStore();
  return origin === 'person' && name !== undefined ? `person:${name}` : origin;
}

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

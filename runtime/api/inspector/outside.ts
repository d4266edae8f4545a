/**
 * The page on the address of `[http]`, for people with a token, under the configured host names, such as a proxy's. A page's key is derived from the home's
 * token and from the stored hash of the person's token, so it ends when either is removed.
 */
import { ensureHomeToken, readHomeToken } from '../../base/platform/home-token.ts';
import { type Person, personOfToken, readPerson } from '../../base/platform/people.ts';
import { isSameSecret } from '../../base/platform/token.ts';
import type { Passes } from '../control/principal.ts';
import { derivedKey, newName, tokenOf } from './key.ts';
import { createPageApp, type Login, type PageAccess, type PageApp } from './page-app.ts';

interface OutsideOptions {
  readonly home: string;
  readonly app: { fetch(request: Request): Response | Promise<Response> };
  readonly passes: Passes;
}

export function createOutsidePage({ home, app, passes }: OutsideOptions): PageApp {
  const life = newName();

  function loginFor(person: Person | null): Login {
    const purpose = person === null ? 'page' : `page ${person.name} ${person.hash}`;
    return { person, key: derivedKey(ensureHomeToken(home), purpose) };
  }

  function loginNamed(name: string | null): Login | null {
    if (name === null) return loginFor(null);
    const person = readPerson(home, name);
    return person === null ? null : loginFor(person);
  }

  /** A person's page token begins with their name, like their own token. */
  function pageToken({ person, key }: Login, address: string): string {
    const token = tokenOf({ key, address, life });
    return person === null ? token : `${person.name}.${token}`;
  }

  function byOwnToken(token: string): Login | null {
    const person = personOfToken(home, token);
    if (person !== null) return loginFor(person);
    const ofHome = readHomeToken(home);
    return ofHome !== null && isSameSecret(token, ofHome) ? loginFor(null) : null;
  }

  const access: PageAccess = {
    life,
    takes: 'token',
    hint: 'ask the owner of the home for a token: stator token add <name> --role look',
    loginOf(token, address) {
      const name = token.includes('.') ? (token.split('.')[0] ?? '') : null;
      const login = loginNamed(name);
      return login !== null && isSameSecret(token, pageToken(login, address)) ? login : null;
    },
    keyOf: (name) => loginNamed(name)?.key ?? null,
    enter(given, address) {
      const login = given === null ? null : byOwnToken(given);
      return login === null ? null : pageToken(login, address);
    },
    authorizationOf: ({ person }) => (person === null ? null : passes.headerOf(person)),
  };
  return createPageApp(app, access);
}

/** `stator token`: the people who may use the control API over TCP and its page. */

import { EngineError } from '../machines/vocabulary/errors.ts';
import { localTime } from '../machines/vocabulary/time-text.ts';
import { didYouMean, nearest } from '../runtime/base/config/nearest.ts';
import { homeFolder } from '../runtime/base/platform/home.ts';
import { ensureHomeToken, homeTokenFile, rotateHomeToken } from '../runtime/base/platform/home-token.ts';
import { addPerson, type PersonRole, personRoles, readPeople, removePerson } from '../runtime/base/platform/people.ts';
import { type Call, defineVerb, type Verbs } from './command.ts';
import { refuseAgent } from './place.ts';

const show = defineVerb({
  summary: 'Print the token for the control API over TCP.',
  args: {},
  examples: ['stator token show'],
  more: 'If there is no token, it is made. With the token anybody can do what you can: keep it like a password.',
  async run(_args, call) {
    printToken(call, ensureHomeToken);
  },
});

const rotate = defineVerb({
  summary: 'Make and print a new token for the control API over TCP; the old one becomes invalid.',
  args: {},
  examples: ['stator token rotate'],
  more: 'A running daemon uses the new token at once: who came in with the old one is let out, and every page behind [http] asks for a token again. Tokens of agents do not change; they end with their runs.',
  async run(_args, call) {
    printToken(call, rotateHomeToken);
  },
});

const nameArg = { type: 'positional', required: true, description: 'the name in the journal' } as const;

const add = defineVerb({
  summary: 'Make a token for another person, and print it. It is shown once.',
  args: {
    name: nameArg,
    role: { type: 'string', valueHint: 'role', description: 'look, answer or steer' },
  },
  examples: ['stator token add anna --role answer'],
  more: `look: see plans, agents, logs and diffs. answer: also reply to what agents ask. steer: also register, start, change and end plans and agents. \
Only you can manage repos, trust, hooks, cleaning and the daemon. The commands of a plan run with your rights: give steer only to people whom you trust with that. A token works for \
the API and the page over TCP ([http] in daemon.toml).`,
  async run({ name, role: given }, call) {
    const home = ownHome(call, 'make tokens for people');
    const role = roleOf(given);
    const token = addPerson(home, { name, role }, Date.now());
    call.out.outcome({ name, role, token }, () => [token]);
    call.out.remark(`${name} may ${wordsOf[role]}; take it back with: stator token remove ${name}`);
  },
});

const list = defineVerb({
  summary: 'List the people who have a token.',
  args: {},
  examples: ['stator token list'],
  async run(_args, call) {
    const people = readPeople(ownHome(call, 'list tokens of people')).map(({ name, role, createdAt }) => ({
      name,
      role,
      created_at: new Date(createdAt).toISOString(),
    }));
    call.out.list(people, {
      headings: ['name', 'role', 'since'],
      row: (person) => [person.name, person.role, localTime(person.created_at, Date.now())],
      empty: 'nobody has a token but you: stator token add <name> --role look',
    });
  },
});

const remove = defineVerb({
  summary: 'Take the token of a person back: it is refused at once, and what it has open ends.',
  args: { name: nameArg },
  examples: ['stator token remove anna'],
  async run({ name }, call) {
    const home = ownHome(call, 'take tokens back');
    if (!removePerson(home, name)) {
      const names = readPeople(home).map((person) => person.name);
      const best = nearest(name, names);
      throw new EngineError(
        'not_found',
        `${name} has no token`,
        best === null ? 'see who has one: stator token list' : `did you mean ${best}? all of them: stator token list`,
      );
    }
    call.out.done({ name, status: 'removed' }, `${name} has no token any more`);
  },
});

const wordsOf: Readonly<Record<PersonRole, string>> = {
  look: 'look',
  answer: 'look and answer',
  steer: 'look, answer and steer',
};

/** Throws `usage`. */
function roleOf(given: string | undefined): PersonRole {
  const role = personRoles.find((each) => each === given);
  if (role !== undefined) return role;
  throw new EngineError(
    'usage',
    given === undefined ? 'no --role is given' : `there is no role "${given}"`,
    `${didYouMean(given ?? '', personRoles)}give --role look, --role answer or --role steer`,
  );
}

/** The own home. Throws `not_allowed` inside a run: an agent uses its own token. */
function ownHome(call: Call, what: string): string {
  refuseAgent(call, what);
  return homeFolder(call.env);
}

function printToken(call: Call, tokenOf: (home: string) => string): void {
  const home = ownHome(call, 'have the token of the home');
  const token = tokenOf(home);
  call.out.outcome({ token, file: homeTokenFile(home) }, () => [token]);
}

export default { show, rotate, add, list, remove } satisfies Verbs;

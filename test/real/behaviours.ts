/**
 * The behaviours that are tested with the real programs, by test file: each title is a test of that file and a row of the table in docs/agents.md.
 * Pure. A title without a test does not compile, nor does a test without a title.
 */
import { type StreamPreset, streamPrograms } from '../../runtime/base/config/preset-programs.ts';

export interface Behaviour {
  /** Versions of a program differ in this, so the short form tests every version. Other behaviours are tested with the newest one. */
  readonly differs?: true;
  /** It takes minutes, so the short form leaves it out. */
  readonly long?: true;
  /** Tested only if walls can be built. */
  readonly walls?: true;
  /** The programs without the tested feature. */
  readonly none?: readonly StreamPreset[];
}

export const behaviours = {
  answers: {
    'answers of 100 kB, with as much thought, are read to their end': {},
  },
  attempts: {
    'the next attempt goes on in the same conversation': {},
    'a message is read in its next turn, which spends no attempt': {},
    'a line that is typed while it works is read in the same run': {
      differs: true,
      none: ['codex', 'gemini', 'opencode'],
    },
    'a cancel ends it with all that it started': {},
    'its time limit ends it with all that it started': {},
    'its limit without output ends it with all that it started': { long: true },
  },
  failures: {
    'a key that the service refuses spends one attempt, and says what to do': {},
    'a login that has expired spends one attempt, and says what to do': {},
    'a limit is waited for, and spends no attempt': {},
    'a stream that is cut spends one attempt at most': {},
    'a service that is down spends one attempt at most': {},
    'a service that is overloaded for a moment is asked again, and spends no attempt': {},
    'a service that stays overloaded spends one attempt, with its words, and the next goes on': { long: true },
  },
  flags: {
    'its help lists every flag that it is given': { differs: true },
    'a flag of its user that it does not take costs one attempt, and the setting is named': { differs: true },
    'stator doctor knows its version': { differs: true },
  },
  killed: {
    'goes on while its engine is killed, and is asked nothing twice': {},
  },
  permissions: {
    'asks a person before it acts, or gets a refusal with its reason': { differs: true },
  },
  plans: {
    'does its task, sandbox = "off"': { differs: true },
    'does its task, sandbox = "bwrap"': { walls: true },
  },
  roles: {
    'codes, reviews until it approves, and verifies': {},
    'plans, and hands its plan in': {},
  },
  sandboxes: {
    'commits and speaks to stator where its user has its own sandbox on, sandbox = "off"': { none: ['opencode'] },
    'commits and speaks to stator where its user has its own sandbox on, sandbox = "bwrap"': {
      walls: true,
      none: ['opencode'],
    },
  },
  settings: {
    'settings of the branch start nothing where it judges': {},
    'inside walls it leaves the home of its user as it was': { walls: true },
  },
  usage: {
    'its tokens and its cost are those of each run, as its last line says': { differs: true },
  },
} as const satisfies Readonly<Record<string, Readonly<Record<string, Behaviour>>>>;

export type BehaviourFile = keyof typeof behaviours;

/** Each row of the table: its title and its properties. */
export const rows: readonly (readonly [string, Behaviour])[] = Object.values(behaviours).flatMap((titles) =>
  Object.entries<Behaviour>(titles),
);

export interface Column {
  readonly program: StreamPreset;
  readonly version: string;
  readonly isNewest: boolean;
}

/** Each program with each tested version. */
export const columns: readonly Column[] = (Object.keys(streamPrograms) as StreamPreset[]) // its keys are the programs
  .flatMap((program) => {
    const { triedVersions } = streamPrograms[program];
    return triedVersions.map((version) => ({ program, version, isNewest: version === triedVersions.at(-1) }));
  });

export function nameOf({ program, version }: Pick<Column, 'program' | 'version'>): string {
  return `${program} ${version}`;
}

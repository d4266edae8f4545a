/**
 * What `npm test` leaves out, of three kinds: soaks, the programs of real agents, and bench. Each has its reason here, and `test/docs/left-out.test.ts` finds a
 * file that is neither in `npm test` nor in this list.
 */

export interface Soak {
  /** Why it is no test of `npm test`, and which test there holds the same in small. */
  readonly why: string;
  /** Seconds that its short form takes alone on two quiet cores: `.ci/run` draws as many soaks as fit into its time. */
  readonly shortS: number;
}

/** Kills by the hundred and hours of load. */
export const soaks: Readonly<Record<string, Soak>> = {
  'test/crash/agents.soak.ts': {
    why: 'kills agents and their wrappers in every order; crash/random kills in some',
    shortS: 30,
  },
  'test/crash/fleet-folders.soak.ts': {
    why: 'kills a daemon under load twenty times; crash/fleet-killed once',
    shortS: 30,
  },
  'test/crash/locks.soak.ts': { why: 'kills git at each of its locks; git/leftovers at some', shortS: 30 },
  'test/crash/merge.soak.ts': { why: 'kills at each write of a merge; git/merge-killed at some', shortS: 30 },
  'test/soak/acp.soak.ts': { why: 'sixty kills with each kind of walls; crash/acp has four', shortS: 150 },
  'test/soak/earlier-version.soak.ts': {
    why: 'builds an earlier version from the history; store/db and store/postgres refuse its store',
    shortS: 60,
  },
  'test/soak/five-charts.soak.ts': { why: 'two hundred kills of five charts; crash/five-charts has eight', shortS: 40 },
  'test/soak/fleet-killed.soak.ts': {
    why: 'kills a daemon under load twenty times; crash/fleet-killed once',
    shortS: 60,
  },
  'test/soak/fleet.soak.ts': {
    why: 'half an hour of load, for memory and open files; crash/random has the same agents',
    shortS: 120,
  },
  'test/soak/git-acts.soak.ts': {
    why: 'two hundred plans of agents that do what git can do; lives/git-acts has six',
    shortS: 180,
  },
  'test/soak/hooks.soak.ts': { why: 'a hundred kills between deliveries; effects/hooks-trial has eight', shortS: 60 },
  'test/soak/hosts.soak.ts': {
    why: 'twenty rounds of thirty plans over three hosts; crash/hosts plays one of six',
    shortS: 240,
  },
  'test/soak/intake.soak.ts': {
    why: 'two hundred kills under five trackers that fail and a sender of webhooks, and thirty of two hosts; intake/trackers-killed, sender-killed and hosts-killed have thirty',
    shortS: 150,
  },
  'test/soak/issue.soak.ts': { why: 'every forge with every trouble; lives/issue has each of both once', shortS: 200 },
  'test/soak/landing-forges.soak.ts': {
    why: 'forty plans that conflict land by each of three forges that fail (by one of them in the short form), under two hundred kills; crash/landing has three and eight',
    shortS: 115,
  },
  'test/soak/landing.soak.ts': {
    why: 'forty plans that conflict land under two hundred kills, here and by forges on which people act by hand, and twenty of two repos each; crash/landing has three and eight',
    shortS: 200,
  },
  'test/soak/late-points.soak.ts': { why: 'a kill right after each of 300 places; crash/points has some', shortS: 0 },
  'test/soak/lives.soak.ts': {
    why: 'every life with kills, twenty times; lives/lives and lives/killed once',
    shortS: 120,
  },
  'test/soak/moments.soak.ts': { why: 'two hundred kills at random; crash/random has some', shortS: 60 },
  'test/soak/night.soak.ts': {
    why: 'sixty items over three repositories, for minutes of a quota that is used up; engine/night has six',
    shortS: 60,
  },
  'test/soak/points.soak.ts': { why: 'a kill at each of 300 places; crash/points has some', shortS: 120 },
  'test/soak/queue.soak.ts': { why: 'six hundred tasks in one queue; lives/queue-limits has sixty', shortS: 90 },
};

/** Files of `npm test` that draw there (`test/support/drawn.ts`). The soak takes each of them whole, in so many seconds. */
export const wholeInSoak: Readonly<Record<string, number>> = {
  'test/actors/properties.test.ts': 60,
  'test/agents/run-claim.test.ts': 30,
  'test/crash/import.test.ts': 230,
  'test/effects/hooks-killed.test.ts': 60,
  'test/engine/programs.test.ts': 90,
  'test/engine/simulate-real.test.ts': 60,
  'test/git/attempt.test.ts': 30,
  'test/git/leftovers.test.ts': 60,
  'test/git/merge-killed.test.ts': 30,
  'test/machines/document/plan-document.test.ts': 20,
  'test/intake/crash.test.ts': 60,
  'test/signal-files/crash.test.ts': 60,
  'test/signal-files/fuzz.test.ts': 240,
  'test/simulation/seeds.test.ts': 900,
  'test/walls/http-fuzz.test.ts': 660,
};

/** Programs that are paid for, and hundreds of MB each; `test/agents/programs.test.ts` and `engine/programs.test.ts` play what they print. */
export const realAgents = 'test/real/**/*.test.ts';
/** In the short form each of its files takes about this long. */
export const realShortS = 60;

/** Measures, with no right or wrong: `npm run bench`. */
export const bench = 'test/bench/';

import { handQuestionLimit } from './context.ts';

const lostText =
  'work that was done is not on its branch; bring it back with: stator plan answer <plan> --restore; or say that it was meant: stator plan answer <plan> --accept';

const noRequestText =
  'landing.by is "forge", and there is no open pull request to merge; make one with: stator plan pr <plan>; or name a branch of this repository: stator plan land <plan> --into <branch>';

/** What a refusal by a guard says to people; a guard that is not listed is named as it is. */
export const guardTexts: Readonly<Record<string, string>> = {
  mergesAlone: 'auto_merge is off',
  landsAlone: 'landing.auto is off',
  isLanded: noRequestText,
  landsWithGit: noRequestText,
  landsThere: 'it waits in line for another branch; take it out first: stator landing remove <plan>',
  mergesOnForge: 'its pull request is not to be merged by itself now',
  mayPush: 'its pull request shows this work already',
  isNews: 'the plan already knows that',
  notPlannedYet: 'not planned yet: run plan_start first',
  hasPlanner: 'no_planner',
  hasOpenTask: 'every task of its document is marked as done',
  budgetIsRaised: 'its budget is used up; allow more with: stator plan raise-budget <plan> "+5 USD"',
  isSession: 'nothing is under review',
  isBack: lostText,
  isWhole: lostText,
  acceptsNot: 'there is no work yet that could be taken as it is',
  isChosen: 'choose one of its drafts: stator plan choose <plan> <number>',
  draftFits: 'a draft has 256 KiB at most',
  waveExists: 'no_such_wave',
  noWaveRuns: 'wave_running',
  isEngine: 'its waves are finished one by one; the last of them ends the implementation',
  hasFailedWave: 'no failed wave waits',
  isNoAgent: 'not from an agent now',
  archives: 'nothing waits for an answer',
  isOutdated: 'nothing approved is out of date',
  isNotCancelled: 'its run is being ended already',
  hasRoomForQuestion: `${handQuestionLimit} questions wait already`,
  hasRoomForMessage: 'ten messages wait already, the agent has delivered none since',
  takesInput:
    'its program reads nothing while it works (one that wants a terminal gets it by `terminal = true` in its profile)',
  takesTyped: 'its program takes lines of text; it has no terminal for keys',
  takesMessage: 'it is no longer wanted, or ten messages wait already',
  mayRestart: 'its run is being ended: it asked, is finished or is no longer wanted',
};

/** `source = "github"`: the issues of the project's repository at GitHub. */
import { intakeSource } from './source.ts';
import { queryText, trackerKeys, trackerWords } from './tracker.ts';

export const githubSource = intakeSource({ source: 'github', keys: trackerKeys, words: trackerWords, from: queryText });

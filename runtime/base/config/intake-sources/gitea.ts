/** `source = "gitea"`: the issues of the project's repository at Gitea and Forgejo. */
import { intakeSource } from './source.ts';
import { queryText, trackerKeys, trackerWords } from './tracker.ts';

export const giteaSource = intakeSource({ source: 'gitea', keys: trackerKeys, words: trackerWords, from: queryText });

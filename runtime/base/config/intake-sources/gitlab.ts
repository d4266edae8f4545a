/** `source = "gitlab"`: the issues of the project's repository at GitLab. */
import { intakeSource } from './source.ts';
import { queryText, trackerKeys, trackerWords } from './tracker.ts';

export const gitlabSource = intakeSource({ source: 'gitlab', keys: trackerKeys, words: trackerWords, from: queryText });

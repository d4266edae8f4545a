/** The issues of the project's repository at GitHub. */
import { githubRest } from '../../forges/rest-call.ts';
import { trackerSource } from '../tracker-source.ts';
import { openForgeTracker } from '../trackers/forge-tracker.ts';
import { githubTracker } from '../trackers/github.ts';

export const createGitHubSource = trackerSource((config, parts, etags) =>
  openForgeTracker(config, { parts, etags, kinds: ['github'], rest: githubRest, tracker: githubTracker }),
);

/** `source = "linear"`: the issues of a team at Linear. */
import { text } from '../schema-words.ts';
import { intakeSource } from './source.ts';
import { queryText, serviceKeys, serviceWords, templateProblem, trackerKeys, trackerWords } from './tracker.ts';

export const linearSource = intakeSource({
  source: 'linear',
  keys: {
    team: text({ min: 1, max: 50, is: 'the key of a team, such as "ENG"' }),
    ...{ ...trackerKeys, ...serviceKeys },
    url: serviceKeys.url.default('https://api.linear.app'),
    token: serviceKeys.token.default('env:LINEAR_API_KEY'),
  },
  words: {
    team: [null, 'linear: the team of the issues, by the key that their names begin with; required'],
    ...{ ...trackerWords, ...serviceWords },
  },
  problem: templateProblem,
  from: (own) => `${own.team}, ${queryText(own)}`,
});

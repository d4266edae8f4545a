/** `source = "jira"`: the issues that a query finds at Jira Cloud, or at Jira Data Center. */
import { text } from '../schema-words.ts';
import { intakeSource } from './source.ts';
import { queryText, serviceKeys, serviceWords, templateProblem, trackerKeys, trackerWords } from './tracker.ts';

export const jiraSource = intakeSource({
  source: 'jira',
  keys: {
    jql: text({
      ...{ min: 1, max: 2000, is: 'a query such as "project = SHOP", without ORDER BY' },
      where: (query) => !/\border\s+by\b/i.test(query),
    }),
    email: text({
      min: 3,
      max: 320,
      is: 'the address of an account',
      where: (value) => /^[^\s:]+@\S+$/.test(value),
    }).optional(),
    ...{ ...trackerKeys, ...serviceKeys },
    token: serviceKeys.token.default('env:JIRA_TOKEN'),
  },
  words: {
    jql: [null, 'jira: the query of the issues, in JQL; required'],
    email: [
      null,
      'jira: at Jira Cloud the account that the API token is of; without it the token is a personal access token of Jira Data Center',
    ],
    ...{ ...trackerWords, ...serviceWords },
  },
  problem: templateProblem,
  from: (own) => `${own.jql}, ${queryText(own)}`,
});

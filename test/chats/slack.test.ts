/** Questions that are answered in threads of Slack. */
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { addPerson } from '../../runtime/base/platform/people.ts';
import { slackToken, startSlack } from '../support/chat-server.ts';
import {
  afterwards,
  begin,
  gate,
  ground,
  openGate,
  planText,
  startEngine,
  untilStatus,
  waves,
} from '../support/engine.ts';
import { until } from '../support/ground.ts';

it('the thread of a question answers it, also far back in a busy channel: paged, in order, once, and by people alone', async () => {
  const on = ground();
  const slack = await startSlack();
  afterwards(slack.stop);
  const daemon = `${waves}[chats.team]\nservice = "slack"\ntoken = "env:SLACK_TOKEN"\nchat = "C0123456789"\nurl = "${slack.url}"\npeople = { "U042" = "anna" }\n`;
  const engine = await startEngine({
    ...{ on, daemon, env: { ...on.env, SLACK_TOKEN: slackToken }, chatLookMs: 20, hookRetryMs: [50, 50] },
  });
  const { client } = engine;
  addPerson(on.home, { name: 'anna', role: 'answer' }, Date.now());
  for (let number = 0; number < 5; number += 1) slack.write(`talk ${number}`);
  const go = join(on.root, 'go');
  const told = join(on.root, 'told');
  const ask = `stator signal emit needs_decision --payload 'a <b> & <!channel>?'`;
  await begin(
    engine,
    'login',
    planText([`if [ ! -e '${told}' ]; then touch '${told}'; ${ask}; exit 1; fi\n${gate(go)}\necho x >x`]),
  );
  await until(() => slack.reports().length > 0);
  const [question] = slack.reports();
  const thread = question?.ts ?? '';
  expect(question?.text).toContain('a &lt;b&gt; &amp; &lt;!channel&gt;?');
  // More than the pages of the channel that are read.
  for (let number = 0; number < 25; number += 1) slack.write(`more talk ${number}`);

  const limited = slack.served.calls.length;
  slack.served.trouble = (method) => (method === 'conversations.history' ? { status: 429, body: {} } : null);
  await until(() => slack.served.calls.length > limited);
  slack.served.trouble = () => null;
  slack.write('not me', thread, 'U666');
  slack.write('use &lt;main&gt; of <https://example.com/x|example.com/x>', thread);
  slack.write('or another', thread);
  await until(
    () => slack.repliesTo(thread).length === 3,
    () => [...engine.log, ...slack.repliesTo(thread)].join('\n'),
  );
  const [refused, taken, late] = slack.repliesTo(thread);
  expect(refused).toContain('you may not answer here: nothing was done. Your account is U666');
  expect(taken).toBe('Thank you, demo/login has it.');
  expect(late).toContain('question 1 of login is not open any more: anna@team answered it at ');
  const answers = (await client.signals({ project: 'demo', plan: 'login' })).filter(({ type }) => type === 'answer');
  expect(answers.map(({ payload }) => payload)).toEqual([{ questions: [1], body: 'use <main> of example.com/x' }]);
  openGate(go);
  await untilStatus(engine, 'login', 'done');
  expect(slack.repliesTo(thread)).toHaveLength(3);
});

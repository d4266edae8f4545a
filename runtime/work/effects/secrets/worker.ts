/** The thread that looks for keys and tokens in texts, with secretlint and its recommended rules. What it finds leaves it as a place, a kind and a digest. */
import { createHash } from 'node:crypto';
import { parentPort } from 'node:worker_threads';
import { lintSource } from '@secretlint/core';
import { rules } from '@secretlint/secretlint-rule-preset-recommend';
import type { Found, Question } from './search.ts';

// secretlint measures itself: it keeps each mark for good, searches all of them at each next one, and fails outside of its promise at a path of two lines.
Object.assign(performance, { mark: () => {} });

/** By this one a comment in the text would turn the others off. */
const comments = '@secretlint/secretlint-rule-filter-comments';
const config = { rules: rules.filter(({ meta }) => meta.id !== comments).map((rule) => ({ id: rule.meta.id, rule })) };

parentPort?.on('message', ({ id, texts }: Question) => {
  void answer(texts).then((found) => parentPort?.postMessage({ id, found }));
});

async function answer(texts: Question['texts']): Promise<Found[]> {
  const found: Found[] = [];
  for (const { path, content } of texts) {
    const ext = /\.[^./]*$/.exec(path)?.[0] ?? '';
    // A rule reads the file of some names itself. What the branch calls so is no file of this machine: below this one lies none.
    const source = { content, filePath: `/dev/null/${path}`, ext, contentType: 'text' as const };
    const { messages } = await lintSource({ source, options: { config, noPhysicFilePath: true } });
    for (const { ruleId, messageId, range, loc } of messages)
      found.push({
        path,
        line: loc.start.line,
        kind: `${ruleId.replace(/^@secretlint\/secretlint-rule-/, '')} ${messageId}`,
        digest: createHash('sha256')
          .update(content.slice(...range))
          .digest('hex')
          .slice(0, 16),
      });
  }
  return found;
}

/**
 * The thread that looks for keys and tokens in texts, with secretlint and its recommended rules. It returns only the place, the kind and a digest of each
 * finding.
 */
import { createHash } from 'node:crypto';
import { parentPort } from 'node:worker_threads';
import { lintSource } from '@secretlint/core';
import { rules } from '@secretlint/secretlint-rule-preset-recommend';
import type { Found, Question } from './search.ts';

// secretlint measures its own time: it never deletes a mark, searches all marks at each new one, and throws outside of its promise for a path with a line
// break.
Object.assign(performance, { mark: () => {} });

/** With this rule a comment in the text could switch the other rules off. */
const comments = '@secretlint/secretlint-rule-filter-comments';
const config = { rules: rules.filter(({ meta }) => meta.id !== comments).map((rule) => ({ id: rule.meta.id, rule })) };

parentPort?.on('message', ({ id, texts }: Question) => {
  void answer(texts).then((found) => parentPort?.postMessage({ id, found }));
});

async function answer(texts: Question['texts']): Promise<Found[]> {
  const found: Found[] = [];
  for (const { path, content } of texts) {
    const ext = /\.[^./]*$/.exec(path)?.[0] ?? '';
    // Some rules read a file of the given name themselves. The branch's files are not on this machine's disk, so the names are put below a path where no file
    // exists.
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

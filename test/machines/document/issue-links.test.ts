import { describe, expect, it } from 'vitest';
import { issueLinkProblem, withIssueLinks } from '../../../machines/document/issue-links.ts';
import { parsePlan } from '../../../machines/document/plan-document.ts';

const links = ['https://tracker.example/SHOP-12', 'http://localhost:8080/browse/A-1?x=1#c2'];
const wave = '\n## Wave 1\n\n### Task 1: it\n';
const read = (value: string) => parsePlan(`# Shop\n\n**Issue:** ${value}\n${wave}`);

describe('**Issue:** of a document', () => {
  it.each([
    ['one link', links[0] ?? '', links.slice(0, 1)],
    ['two links, in any form that markdown has for an address', `<${links[0]}>, ${links[1]}`, links],
    ['the same link twice, once', `${links[0]} ${links[0]}`, links.slice(0, 1)],
    ['links of markdown', `[SHOP-12](${links[0]}), [#1](<${links[1]}>)`, links],
    ['a link in a sentence', `${links[0]} and what it says`, links.slice(0, 1)],
    ['prose', 'the page flickers when the cart is empty', []],
    ['none', 'none', []],
  ])('has %s', (_, value, issues) => {
    expect(read(value)).toMatchObject({ ok: true, document: { issues } });
  });

  it.each([
    'SHOP-12',
    'tracker.example/SHOP-12',
    'javascript:alert(1)',
    'file:///etc/passwd',
    'ftp://tracker.example/1',
    'https://',
    'https://ada:secret@tracker.example/1',
    `https://tracker.example/${'x'.repeat(500)}`,
    '[SHOP-12](javascript:alert(1))',
  ])('refuses %s with its line', (value) => {
    const { ok, problems, document } = read(value);
    expect([ok, problems.map(({ line }) => line), document.issues]).toEqual([false, [3], []]);
    expect(issueLinkProblem(value)).not.toBeNull();
  });

  it('has ten at most, and is not called Issues', () => {
    const many = Array.from({ length: 11 }, (_, number) => `https://tracker.example/${number}`);
    expect(read(many.slice(1).join(', ')).ok).toBe(true);
    expect(read(many.join(', ')).problems).toMatchObject([
      { line: 3, message: expect.stringContaining('more than 10') },
    ]);
    const { problems } = parsePlan(`# Shop\n\n**Issues:** ${links[0]}\n${wave}`);
    expect(problems).toMatchObject([{ line: 3, message: expect.stringContaining('did you mean **Issue:**?') }]);
  });

  it.each(['', '# Shop', `# Shop\nIt sells.\n${wave}`, `# Shop\n\n**Goal:** sell${wave}`, wave, 'only words\n'])(
    'is put into the head of %j, which says nothing else then',
    (content) => {
      const before = parsePlan(content).document;
      const { document } = parsePlan(withIssueLinks(content, links));
      expect(document.issues).toEqual(links);
      const said = ({ title, goal, notes, waves }: typeof before) => [
        title,
        goal,
        notes.map(({ text }) => text.replace(/^\*\*Issue:.*$/m, '').trim()).filter((text) => text !== ''),
        waves.map(({ tasks }) => tasks.length),
      ];
      expect(said(document)).toEqual(said(before));
    },
  );
});

/** Part of npm run check: comments, documents, test titles and commits say things plainly. */
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { root } from './prepare.mjs';

/** A sentence begins with its subject: a thing that has a name. */
const OPENER =
  /^(What|Whatever|Whoever|Whom|Those who|Those that|Of (a|an|all|the|those|these|what|whom|which))\b/;
const TITLES = new Set(['it', 'test', 'describe']);
/** Documents outside the repository. */
const DANGLING = /\(contract, ["“]|\bseeds\/0/;
const MAX_SUBJECT = 72;
const SUBJECT = /^(Revert "|[a-z][\w-]*(, [a-z][\w-]*)*: \S)/;
/** The newest commits are checked. Older ones had no convention. */
const COMMITS = ['--since=2026-11-30T15:20:00Z', '--max-count=50', '--no-merges'];

/** @returns one line for each fault, or an empty text; a copy without history is not checked */
export async function proseFaults() {
  if (!existsSync(join(root, '.git'))) return '';
  const files = git('ls-files').filter((file) => existsSync(join(root, file)));
  const faults = commitFaults();
  for (const file of files) {
    if (/\.(ts|mjs|cjs)$/.test(file)) faults.push(...codeFaults(file, await read(file)));
    else if (/\.md$/.test(file)) faults.push(...documentFaults(file, await read(file)));
  }
  return faults.join('\n');
}

/** Lines. The checkout may belong to another user. */
const git = (...args) =>
  execFileSync('git', ['-c', 'safe.directory=*', ...args], { cwd: root, encoding: 'utf8' })
    .split('\n')
    .filter(Boolean);
const read = (file) => readFile(join(root, file), 'utf8');

function commitFaults() {
  return git('log', ...COMMITS, '--format=%h').flatMap((commit) => {
    const [subject, ...body] = git('log', '-1', '--format=%B', commit);
    const fault = (text) => `${commit} ${subject}: ${text}`;
    return [
      ...(subject.length > MAX_SUBJECT ? [fault(`the subject has at most ${MAX_SUBJECT} characters`)] : []),
      ...(SUBJECT.test(subject) ? [] : [fault('the subject has the form “scope: imperative”')]),
      ...(body.length > 0 ? [] : [fault('the body says why')]),
    ];
  });
}

function codeFaults(file, text) {
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true);
  return [...comments(source), ...titles(source)].flatMap(({ pos, text }) =>
    faultsIn(text).map((fault) => `${file}:${source.getLineAndCharacterOfPosition(pos).line + 1}: ${fault}`),
  );
}

function documentFaults(file, text) {
  // Paragraphs, without code, tables and headings.
  const prose = text
    .replace(/^```[^]*?^```/gm, (block) => block.replace(/[^\n]/g, ''))
    .replace(/^(\||#).*$/gm, '');
  return prose
    .split(/\n\s*\n/)
    .flatMap((paragraph) => faultsIn(paragraph).map((fault) => `${file}: ${fault}`));
}

function faultsIn(text) {
  const words = text.replace(/\s+/g, ' ').trim();
  const sentences = words
    .split(/(?<=[.:;!?]) |(?<=^|\s)(?:[-*] |#+ |\d+\. )/)
    .map((sentence) => sentence.trim());
  const opened = sentences.filter((sentence) => OPENER.test(sentence) && !sentence.endsWith('?'));
  return [
    ...opened.map((sentence) => `name the subject: “${sentence.slice(0, 60)}”`),
    ...(DANGLING.test(words) ? [`no such document: “${DANGLING.exec(words)[0]}”`] : []),
  ];
}

/** Comment lines that follow each other are one text. */
function comments(source) {
  const found = new Map();
  const visit = (node) => {
    for (const { pos, end } of ts.getLeadingCommentRanges(source.text, node.getFullStart()) ?? [])
      found.set(pos, source.text.slice(pos, end).replace(/^\s*(\/\*\*?|\*\/|\*|\/\/)|\*\/$/gm, ''));
    ts.forEachChild(node, visit);
  };
  visit(source);
  const joined = [];
  let last;
  for (const [pos, text] of [...found].sort(([a], [b]) => a - b)) {
    const gap = last && source.text.slice(last.end, pos);
    if (gap !== undefined && /^\n\s*$/.test(gap)) last.text += ` ${text}`;
    else joined.push((last = { pos, text }));
    last.end = pos + source.text.slice(pos).search(/\n|$/);
  }
  return joined;
}

function titles(source) {
  const found = [];
  const visit = (node) => {
    if (
      ts.isCallExpression(node) &&
      ts.isStringLiteralLike(node.arguments[0] ?? node) &&
      isTest(node.expression)
    )
      found.push({ pos: node.getStart(), text: node.arguments[0].text });
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

const isTest = (callee) => {
  while (!ts.isIdentifier(callee)) {
    if (!ts.isPropertyAccessExpression(callee) && !ts.isCallExpression(callee)) return false;
    callee = callee.expression;
  }
  return TITLES.has(callee.text);
};

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const faults = await proseFaults();
  if (faults) console.error(faults);
  process.exitCode = faults ? 1 : 0;
}

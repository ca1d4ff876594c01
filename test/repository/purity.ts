/**
 * What pure code must not contain, found in the syntax tree: clocks, randomness, I/O, timers, promises, floating-point numbers and
 * everything whose answer depends on the machine or its language settings. It reads one file at a time and resolves no types.
 */
import ts from 'typescript';

/** One place that is not pure: line from 1, and what stands there. */
export interface Impurity {
  line: number;
  what: string;
}

/** Names of the global scope that reach outside, differ between machines, or defer work. */
const bannedGlobals = new Set([
  'Date',
  'Intl',
  'Promise',
  'WeakRef',
  'FinalizationRegistry',
  'SharedArrayBuffer',
  'Atomics',
  'console',
  'crypto',
  'fetch',
  'global',
  'globalThis',
  'parseFloat',
  'performance',
  'process',
  'queueMicrotask',
  'require',
  'setImmediate',
  'setInterval',
  'setTimeout',
  'structuredClone',
  'eval',
]);

/** Members of any object that order or write by the machine's locale, or round binary fractions. */
const bannedMembers = new Set(['localeCompare', 'toLocaleString', 'toFixed', 'toPrecision', 'toExponential']);

/** Members of Math whose answers are the same integers everywhere. */
const exactMath = new Set(['abs', 'ceil', 'clz32', 'floor', 'imul', 'max', 'min', 'sign', 'trunc']);

/** Every impurity of a source text, in reading order. */
export function findImpurities(fileName: string, text: string): Impurity[] {
  const file = ts.createSourceFile(fileName, text, ts.ScriptTarget.Latest, true);
  const found: Impurity[] = [];
  const visit = (node: ts.Node): void => {
    const what = impurityOf(node);
    if (what !== null) found.push({ line: file.getLineAndCharacterOfPosition(node.getStart()).line + 1, what });
    ts.forEachChild(node, visit);
  };
  visit(file);
  return found;
}

function impurityOf(node: ts.Node): string | null {
  if (ts.isAwaitExpression(node)) return 'await';
  if (node.kind === ts.SyntaxKind.AsyncKeyword) return 'async';
  if (ts.isNumericLiteral(node) && isFraction(node)) return `the fraction ${node.getText()}`;
  if (ts.isPropertyAccessExpression(node)) return impureMember(node);
  if (ts.isIdentifier(node) && bannedGlobals.has(node.text) && isGlobalReference(node)) return node.text;
  return null;
}

function isFraction(node: ts.NumericLiteral): boolean {
  return !Number.isInteger(Number(node.text)) || node.getText().includes('.');
}

function impureMember(node: ts.PropertyAccessExpression): string | null {
  const member = node.name.text;
  if (bannedMembers.has(member)) return `.${member}`;
  if (!ts.isIdentifier(node.expression)) return null;
  const owner = node.expression.text;
  if (owner === 'Math' && !exactMath.has(member)) return `Math.${member}`;
  return owner === 'Number' && member === 'parseFloat' ? 'Number.parseFloat' : null;
}

/** A name that is used, not one that is a property, a key or a declaration of the code's own. */
function isGlobalReference(node: ts.Identifier): boolean {
  const { parent } = node;
  if (ts.isPropertyAccessExpression(parent)) return parent.expression === node;
  const declares =
    ts.isPropertyAssignment(parent) ||
    ts.isPropertySignature(parent) ||
    ts.isPropertyDeclaration(parent) ||
    ts.isMethodDeclaration(parent);
  return !(declares && parent.name === node);
}

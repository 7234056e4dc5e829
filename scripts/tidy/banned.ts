/** Names that the pure folders must not use: time, chance, timers, the process. Source: the map of the code in README.md. */
import ts from 'typescript';
import { at, type Finding, type Project, type Source } from './project.ts';

const GLOBALS: Readonly<Record<string, string>> = {
  process: 'take what is needed as a parameter',
  setTimeout: 'use the Clock port',
  setInterval: 'use the Clock port',
  setImmediate: 'use the Clock port',
  queueMicrotask: 'use the Clock port',
  performance: 'use the Clock port',
  crypto: 'use the Random port',
};
const MEMBERS: Readonly<Record<string, string>> = {
  'Date.now': 'use the Clock port',
  'Math.random': 'use the Random port',
};

const PURE = /^src\/(base|core)\//;
const RUNTIME = /^src\/runtime\//;

export const bannedNames = ({ sources }: Project): Finding[] =>
  sources.filter(({ path }) => PURE.test(path) || RUNTIME.test(path)).flatMap(namesIn);

function namesIn(source: Source): Finding[] {
  const findings: Finding[] = [];
  const visit = (node: ts.Node): void => {
    const fault = faultOf(node, PURE.test(source.path));
    if (fault !== null) findings.push(at(source, node.getStart(), fault));
    ts.forEachChild(node, visit);
  };
  visit(source.tree);
  return findings;
}

function faultOf(node: ts.Node, isPure: boolean): string | null {
  if (ts.isPropertyAccessExpression(node)) {
    const name = node.getText();
    const instead = MEMBERS[name];
    return instead === undefined ? null : `${name} is banned here; ${instead}`;
  }
  if (ts.isNewExpression(node) && node.expression.getText() === 'Date')
    return 'new Date is banned here; use the Clock port';
  if (isPure && (node.kind === ts.SyntaxKind.AsyncKeyword || ts.isAwaitExpression(node)))
    return 'nothing waits here; return orders and let the runtime carry them out';
  if (!ts.isIdentifier(node) || !isUse(node) || !Object.hasOwn(GLOBALS, node.text)) return null;
  return `${node.text} is banned here; ${GLOBALS[node.text] ?? ''}`;
}

/** A name that is read, not one that is declared, imported, or a member of something else. */
function isUse(node: ts.Identifier): boolean {
  const { parent } = node;
  if (ts.isPropertyAccessExpression(parent)) return parent.expression === node;
  if (ts.isPropertyAssignment(parent)) return parent.initializer === node;
  return (
    ts.isCallExpression(parent) ||
    ts.isExpressionStatement(parent) ||
    ts.isBinaryExpression(parent) ||
    ts.isReturnStatement(parent) ||
    (ts.isVariableDeclaration(parent) && parent.initializer === node)
  );
}

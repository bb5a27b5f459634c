import { formatValue, isTrue, items, templateFunctions } from './functions.ts';
import { malformed } from './parse.ts';
import type { Operand, Pipeline, TemplateNode } from './parse.ts';

/** The text that a template makes of a value. Throws TBUILD_USAGE for fields and functions that there are not. */
export function executeTemplate(nodes: readonly TemplateNode[], dot: unknown): string {
  return nodes.map((node) => executeNode(node, dot)).join('');
}

function executeNode(node: TemplateNode, dot: unknown): string {
  switch (node.kind) {
    case 'text':
      return node.text;
    case 'print':
      return formatValue(evaluate(node.pipeline, dot));
    case 'if':
      return executeTemplate(isTrue(evaluate(node.pipeline, dot)) ? node.body : node.otherwise, dot);
    case 'with': {
      const value = evaluate(node.pipeline, dot);
      return isTrue(value) ? executeTemplate(node.body, value) : executeTemplate(node.otherwise, dot);
    }
    case 'range': {
      const list = items(evaluate(node.pipeline, dot));
      if (list.length === 0) return executeTemplate(node.otherwise, dot);
      return list.map((item) => executeTemplate(node.body, item)).join('');
    }
  }
}

function evaluate(pipeline: Pipeline, dot: unknown): unknown {
  let piped: readonly unknown[] = [];
  for (const [head, ...operands] of pipeline) {
    if (head === undefined) throw new TypeError('a command has at least one word');
    const args = [...operands.map((operand) => operandValue(operand, dot)), ...piped];
    piped = [head.kind === 'function' ? call(head.name, args) : alone(operandValue(head, dot), args)];
  }
  return piped[0];
}

function call(name: string, args: readonly unknown[]): unknown {
  const body = templateFunctions.get(name);
  if (body !== undefined) return body(...args);
  throw malformed(`there is no function ${name}; there are ${[...templateFunctions.keys()].toSorted().join(', ')}`);
}

function alone(value: unknown, args: readonly unknown[]): unknown {
  if (args.length === 0) return value;
  throw malformed(`${formatValue(value)} is no function and takes no arguments`);
}

function operandValue(operand: Operand, dot: unknown): unknown {
  switch (operand.kind) {
    case 'constant':
      return operand.value;
    case 'field':
      return operand.names.reduce(fieldOf, dot);
    case 'function':
      return call(operand.name, []);
    case 'group':
      return operand.names.reduce(fieldOf, evaluate(operand.pipeline, dot));
  }
}

function fieldOf(value: unknown, name: string): unknown {
  if (typeof value === 'object' && value !== null && Object.hasOwn(value, name))
    return (value as Record<string, unknown>)[name];
  const names = typeof value === 'object' && value !== null && !Array.isArray(value) ? Object.keys(value) : [];
  const known = names.map((each) => `.${each}`).join(' ');
  throw malformed(`there is no field .${name}${known === '' ? '' : `; there are ${known}`}`);
}

import type { TSESTree } from '@typescript-eslint/utils';
import { enclosingClass, keyName, memberName } from './ast.js';

/** The type that the class declares for `this.x`: as a property, or as a parameter of the constructor. */
export function fieldType(member: TSESTree.MemberExpression): TSESTree.TSTypeReference | undefined {
  const name = member.object.type === 'ThisExpression' ? memberName(member) : undefined;
  if (name === undefined) return undefined;
  const types = enclosingClass(member)?.body.flatMap((element) => declaredTypes(element, name)) ?? [];
  return types.length === 1 && types[0].type === 'TSTypeReference' ? types[0] : undefined;
}

function declaredTypes(element: TSESTree.ClassElement, name: string): TSESTree.TypeNode[] {
  if (element.type === 'PropertyDefinition') {
    return keyName(element) === name && element.typeAnnotation ? [element.typeAnnotation.typeAnnotation] : [];
  }
  if (element.type !== 'MethodDefinition' || element.kind !== 'constructor') return [];
  return element.value.params.flatMap((parameter) => {
    if (parameter.type !== 'TSParameterProperty' || parameter.parameter.type !== 'Identifier') return [];
    const { name: field, typeAnnotation } = parameter.parameter;
    return field === name && typeAnnotation ? [typeAnnotation.typeAnnotation] : [];
  });
}

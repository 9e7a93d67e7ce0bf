import { globSync, readFileSync } from 'node:fs'
import { stripTypeScriptTypes } from 'node:module'
import { join, posix } from 'node:path'
import { type AnyNode, parse } from 'acorn'

export interface Import {
  /** A path from the root of the project (`src/lib/bytes.ts`), or the name of a package or builtin. */
  readonly target: string
  /** False where only types are imported: nothing is loaded. */
  readonly runtime: boolean
}

/** The modules of the project by path, each with what it imports. */
export type Modules = ReadonlyMap<string, readonly Import[]>

/** Reads the modules that a glob names; those that cannot be parsed are told apart. */
export function readModules(root: string, pattern: string): { modules: Modules; unreadable: string[] } {
  const modules = new Map<string, Import[]>()
  const unreadable: string[] = []
  for (const path of globSync(pattern, { cwd: root }).sort()) {
    try {
      modules.set(path, importsOf(path, readFileSync(join(root, path), 'utf8')))
    } catch (error) {
      unreadable.push(`${path}: ${(error as Error).message}`)
      modules.set(path, [])
    }
  }
  return { modules, unreadable }
}

/** Every import of a module: static, re-exporting, dynamic with a literal, of types, and as the URL of a worker. */
export function importsOf(path: string, source: string): Import[] {
  const code = stripTypeScriptTypes(source)
  const resolved = (specifier: string) => (specifier.startsWith('.') ? posix.join(posix.dirname(path), specifier) : specifier)
  const runtime = specifiersOf(parse(code, { ecmaVersion: 'latest', sourceType: 'module' }))
  return [
    ...runtime.map((specifier) => ({ target: resolved(specifier), runtime: true })),
    ...typeSpecifiersOf(source, code).map((specifier) => ({ target: resolved(specifier), runtime: false })),
  ]
}

function specifiersOf(node: AnyNode): string[] {
  const children = Object.values(node)
    .flat()
    .filter((value): value is AnyNode => typeof value?.type === 'string')
  const below = children.flatMap(specifiersOf)
  const named = namedModule(node)
  return named?.type === 'Literal' && typeof named.value === 'string' ? [named.value, ...below] : below
}

function namedModule(node: AnyNode): AnyNode | null | undefined {
  switch (node.type) {
    case 'ImportDeclaration':
    case 'ExportNamedDeclaration':
    case 'ExportAllDeclaration':
    case 'ImportExpression':
      return node.source
    case 'NewExpression':
      return node.callee.type === 'Identifier' && node.callee.name === 'URL' && node.arguments.length === 2
        ? moduleOfUrl(node.arguments[0])
        : null
    default:
      return null
  }
}

/** The `'./worker.ts'` of `new URL(import.meta.url.endsWith('.ts') ? './worker.ts' : './worker.js', import.meta.url)`. */
function moduleOfUrl(node: AnyNode | undefined): AnyNode | null | undefined {
  return node?.type === 'ConditionalExpression' ? node.consequent : null
}

/** Imports of types are what the compiler blanks out: strings and comments that look like them stay. */
function typeSpecifiersOf(source: string, code: string): string[] {
  const pattern = /\b(?:import|export)\s+type\s[^'"`;]*?\bfrom\s*['"]([^'"]+)['"]|\bimport\(\s*['"]([^'"]+)['"]\s*\)/g
  return Array.from(source.matchAll(pattern))
    .filter((match) => code.slice(match.index, match.index + match[0].length).trim() === '' && !insideComment(source, match.index))
    .map(([, from, inline]) => from ?? inline ?? '')
}

/** Comments stay where they are when types are stripped, unless they stand within a type. */
function insideComment(source: string, index: number): boolean {
  const line = source.slice(source.lastIndexOf('\n', index) + 1, index)
  return /^\s*\*|\/\//.test(line) || source.lastIndexOf('/*', index) > source.lastIndexOf('*/', index)
}

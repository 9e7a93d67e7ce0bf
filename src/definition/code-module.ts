import { readFileSync } from 'node:fs'
import { stripTypeScriptTypes } from 'node:module'
import { type AnyNode, type ImportSpecifier, type Program, parse } from 'acorn'
import { namesDeclaredBy, namesOfPattern } from './code-scope.ts'

/** A name of another module: `*` for all of them, `default` for the one without a name. */
export interface ImportedName {
  readonly specifier: string
  readonly name: string
}

/** A part of a module's top level: one declaration with the names it binds, or a statement that binds none. */
export interface TopLevelPart {
  readonly node: AnyNode
  readonly names: readonly string[]
}

/** A module as the code that it is made of. */
export interface CodeModule {
  readonly url: string
  readonly parts: readonly TopLevelPart[]
  /** Local names that come from other modules. */
  readonly imports: ReadonlyMap<string, ImportedName>
  /** Exported names: local ones as text. */
  readonly exports: ReadonlyMap<string, string | ImportedName>
  /** The specifiers of `export * from`. */
  readonly exportAll: readonly string[]
  /** All that it imports or exports from, each once, in order. */
  readonly specifiers: readonly string[]
}

/** Local name of a default export that has none; no identifier can be equal to it. */
const anonymousDefault = '*default*'

/**
 * Reads a JavaScript or TypeScript module. Throws what reading throws, and a `SyntaxError` where its code is not valid;
 * its `loc`, where there is one, tells line and column.
 */
export function readCodeModule(url: string): CodeModule {
  const file = new URL(url)
  const text = readFileSync(file, 'utf8')
  const program = parseProgram(/\.[cm]?ts$/.test(file.pathname) ? withoutTypes(text) : text)
  return { url, ...outline(program) }
}

export const parseProgram = (text: string): Program => parse(text, { ecmaVersion: 'latest', sourceType: 'module' })

/** Blanks out the types, so that all else keeps its place. */
function withoutTypes(text: string): string {
  const { emitWarning } = process
  const isExpected = (warning: unknown) => String(warning).includes('stripTypeScriptTypes')
  process.emitWarning = ((...given: Parameters<typeof emitWarning>) =>
    isExpected(given[0]) ? undefined : emitWarning(...given)) as typeof emitWarning
  try {
    return stripTypeScriptTypes(text)
  } finally {
    process.emitWarning = emitWarning
  }
}

function outline(program: Program): Omit<CodeModule, 'url'> {
  const parts: TopLevelPart[] = []
  const imports = new Map<string, ImportedName>()
  const exports = new Map<string, string | ImportedName>()
  const exportAll: string[] = []
  const specifiers = new Set<string>()
  const declare = (node: AnyNode) => {
    if (node.type === 'VariableDeclaration')
      parts.push(...node.declarations.map((declarator) => ({ node: declarator, names: namesOfPattern(declarator.id) })))
    else parts.push({ node, names: namesDeclaredBy(node) })
  }
  for (const node of program.body) {
    if ('source' in node && node.source) specifiers.add(String(node.source.value))
    switch (node.type) {
      case 'ImportDeclaration':
        for (const bound of node.specifiers)
          imports.set(bound.local.name, { specifier: String(node.source.value), name: importedName(bound) })
        break
      case 'ExportAllDeclaration':
        if (node.exported) exports.set(moduleName(node.exported), { specifier: String(node.source.value), name: '*' })
        else exportAll.push(String(node.source.value))
        break
      case 'ExportDefaultDeclaration': {
        const [name = anonymousDefault] = namesDeclaredBy(node.declaration)
        parts.push({ node: node.declaration, names: [name] })
        exports.set('default', name)
        break
      }
      case 'ExportNamedDeclaration':
        if (node.declaration) {
          declare(node.declaration)
          for (const name of namesDeclaredBy(node.declaration)) exports.set(name, name)
        }
        for (const { local, exported } of node.specifiers) {
          exports.set(
            moduleName(exported),
            node.source ? { specifier: String(node.source.value), name: moduleName(local) } : moduleName(local),
          )
        }
        break
      default:
        declare(node)
    }
  }
  return { parts, imports, exports, exportAll, specifiers: [...specifiers] }
}

const importedName = (bound: AnyNode): string =>
  bound.type === 'ImportDefaultSpecifier'
    ? 'default'
    : bound.type === 'ImportNamespaceSpecifier'
      ? '*'
      : moduleName((bound as ImportSpecifier).imported)

/** Names between modules may be strings. */
const moduleName = (name: AnyNode): string => (name.type === 'Identifier' ? name.name : String((name as { value?: unknown }).value))

import { relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { canonicalHash } from '../lib/canonical-json.ts'
import { codeForm, namesAsWritten } from './code-form.ts'
import { withoutQuery } from './code-imports.ts'
import { parseProgram } from './code-module.ts'
import { CodeReach } from './code-reach.ts'
import { type FunctionNode, isFunction } from './code-scope.ts'

export { callerModule } from './caller-module.ts'

export interface CodeHash {
  readonly hash: string
  /** The files whose code counts, relative to the folder of the module; for information. */
  readonly modules: readonly string[]
  /** False where some code could not be seen: the hash may then stay equal while values change. */
  readonly complete: boolean
}

/**
 * The semantic hash of a function: of its code, of all the code and data of the same project that it uses, directly or
 * not, and of the names and versions of the packages that it uses. Formatting, comments, types, the names and places of
 * the declarations used, and code that is not used do not change it.
 *
 * `moduleUrl` is the file URL of the module that holds the function, or that imports it. Where the function cannot be
 * found there, the hash is of its own code alone. Values that it captures from a function around it are not seen, which
 * `complete` tells; nor are files that the code reads by itself.
 */
export function codeHash(compute: (...given: never[]) => unknown, moduleUrl: string | null): CodeHash {
  const code = parseFunction(compute.toString())
  if (code && moduleUrl) {
    const start = withoutQuery(moduleUrl)
    const reach = new CodeReach()
    const places = reach.find(code, start)
    if (places.length > 0) {
      const hash = canonicalHash(reach.follow(places))
      const folder = fileURLToPath(new URL('.', start))
      const modules = [...reach.files].map((url) => relative(folder, fileURLToPath(url)).replaceAll('\\', '/')).sort()
      return { hash, modules, complete: reach.complete }
    }
  }
  return { hash: canonicalHash(code ? codeForm(code, namesAsWritten) : compute.toString()), modules: [], complete: false }
}

/** The function that a text of `Function.prototype.toString` is; that of a method is only valid within an object. */
function parseFunction(text: string): FunctionNode | null {
  for (const source of [`(${text})`, `({${text}})`]) {
    try {
      const [statement] = parseProgram(source).body
      const expression = statement?.type === 'ExpressionStatement' ? statement.expression : null
      const [member] = expression?.type === 'ObjectExpression' ? expression.properties : []
      const node = member?.type === 'Property' ? member.value : expression
      if (node && isFunction(node)) return node
    } catch {
      // native code, or the other way of writing
    }
  }
  return null
}

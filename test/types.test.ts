import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { compile, type Diagnostic } from '../scripts/typecheck.ts'
import { root } from '../scripts/workspace.ts'

const folder = join(root, 'test', 'types')

interface Expectation {
  /** The line that must fail: the next one that is no comment. */
  readonly line: number
  readonly text: string
}

/** Reads `// expect error: TEXT` comments. */
function expectationsOf(source: string): Expectation[] {
  const lines = source.split('\n')
  return lines.flatMap((line, index) => {
    const text = /^\s*\/\/ expect error: (.+?)\s*$/.exec(line)?.[1]
    if (text === undefined) return []
    const offset = lines.slice(index).findIndex((later) => !later.trimStart().startsWith('//'))
    return [{ line: index + offset + 1, text }]
  })
}

/** What a file's expectations and its diagnostics disagree on. */
function disagreements(source: string, diagnostics: readonly Diagnostic[]): string[] {
  const expected = expectationsOf(source)
  const meets =
    (diagnostic: Diagnostic) =>
    ({ line, text }: Expectation) =>
      diagnostic.line === line && diagnostic.message.includes(text)
  const missing = expected.filter((expectation) => !diagnostics.some((diagnostic) => meets(diagnostic)(expectation)))
  const surplus = diagnostics.filter((diagnostic) => !expected.some(meets(diagnostic)))
  return [
    ...missing.map(({ line, text }) => `line ${line}: expected an error that says: ${text}`),
    ...surplus.map(({ line, code, message }) => `line ${line}: unexpected ${code}: ${message}`),
  ]
}

test('what must not compile does not, and says why', async (context) => {
  const { diagnostics } = await compile(folder)
  const files = globSync('**/*.ts', { cwd: folder }).sort()
  assert.notEqual(files.length, 0)
  for (const file of files) {
    await context.test(file, () => {
      const own = diagnostics.filter((diagnostic) => diagnostic.file === file)
      const wrong = disagreements(readFileSync(join(folder, file), 'utf8'), own)
      assert.deepEqual(wrong, [], wrong.join('\n'))
    })
  }
})

test('an expectation must be met, at its line and with its text, and an error expected', () => {
  const source = '// expect error: not assignable\n// a remark\nconst a: string = 1\nconst b: number = ""\n'
  const error = (line: number, message: string): Diagnostic => ({ file: 'a.types.ts', line, code: 'TS2322', message })
  const right = error(3, "Type 'number' is not assignable to type 'string'.")
  assert.deepEqual(disagreements(source, [right]), [])
  assert.deepEqual(disagreements(source, []), ['line 3: expected an error that says: not assignable'])
  assert.deepEqual(disagreements(source, [right, error(4, 'Wrong.')]), ['line 4: unexpected TS2322: Wrong.'])
  assert.equal(disagreements(source, [error(3, 'Something else')]).length, 2)
})

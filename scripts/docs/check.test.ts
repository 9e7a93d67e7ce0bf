import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { temporaryFolder } from '../workspace.ts'
import { checkDocs } from './check.ts'

/** Checks pages given as text; answers `page:line: first line of what is wrong`. */
async function problemsOf(pages: Record<string, string>): Promise<string[]> {
  using folder = temporaryFolder()
  for (const [path, text] of Object.entries(pages)) {
    mkdirSync(dirname(join(folder.path, path)), { recursive: true })
    writeFileSync(join(folder.path, path), text)
  }
  const markdown = Object.keys(pages).filter((path) => path.endsWith('.md'))
  const problems = await checkDocs(folder.path, markdown)
  return problems.map(({ page, line, message }) => `${page}:${line}: ${message.split('\n')[0]}`)
}

const good = `# A page

[Below](#more-of-it), [beside](docs/other.md#two-1), [a file](data/a.csv), [the web](https://example.com/none) and \`[code](none.md)\`.

\`\`\`csv file=a.csv
id
1
\`\`\`

\`\`\`ts file=half.ts
export const half = (value: number) => value / 2
\`\`\`

\`\`\`ts
import { readFileSync } from 'node:fs'
import { t } from 'lockstep'
import { half } from './half.ts'

const rows = readFileSync('a.csv', 'utf8').trim().split('\\n').length
console.log(t.string().data.kind, rows, half(3))
\`\`\`

\`\`\`text output
string 2 1.5
\`\`\`

\`\`\`ts continued
console.log(\`took \${rows} s\`)
console.log('one\\ntwo\\nend')
\`\`\`

\`\`\`text output
took … s
…
end
\`\`\`

## More of it

\`\`\`sh run
grep -c . a.csv > rows.txt
node -e "console.log(require('fs').readFileSync('rows.txt', 'utf8'))"
\`\`\`

\`\`\`json output
2
\`\`\`

\`\`\`sh run repository
test -f src/errors.ts
\`\`\`

\`\`\`ts no-run needs a server
import { t } from 'lockstep'
await fetch(\`http://localhost/\${t.float().data.kind}\`)
\`\`\`

\`\`\`sh
exit 1
\`\`\`
`

test('what is right passes', async () => {
  const pages = { 'README.md': good, 'docs/other.md': '# Two\n\n# Two\n\n[up](../README.md)\n', 'data/a.csv': '' }
  assert.deepEqual(await problemsOf(pages), [])
})

test('wrong code, output, commands and marks are found, each at its line', async () => {
  const wrong = {
    'types.md': "```ts\nimport { t } from 'lockstep'\n\nt.string(1)\n```\n\n```ts no-run never\nconst text: string = 2\n```\n",
    'continued.md': '```ts\nconst one = 1\n```\n\ntext\n\n```ts continued\n\none.toFixed(true)\n```\n',
    'throws.md': "```ts\nconsole.log('first')\n```\n\n```ts continued\nthrow new Error('second')\n```\n",
    'output.md': '```ts\nconsole.log(1)\n```\n\n```text output\n2\n```\n\n```sh run\necho 1; echo 2\n```\n\n```text output\n1\n```\n',
    'command.md': '```sh run\nfalse | true\n```\n',
    'marks.md':
      '```ts norun\n```\n\n```ts no-run\n```\n\n```sh run twice\n```\n\n```bash\n```\n\n```text output\n```\n\n```ts continued\n```\n',
  }
  assert.deepEqual(await problemsOf(wrong), [
    'types.md:4: Expected 0 arguments, but got 1.',
    "types.md:8: Type 'number' is not assignable to type 'string'.",
    "continued.md:9: Argument of type 'boolean' is not assignable to parameter of type 'number'.",
    'throws.md:6: This code ended with code 1:',
    'output.md:2: The page says that this prints',
    'output.md:10: The page says that this prints',
    'command.md:2: This command ended with code 1:',
    'marks.md:1: `norun` means nothing; known are continued, file=NAME, and no-run REASON',
    'marks.md:4: Say after no-run why the block is not run',
    'marks.md:7: `run twice` means nothing; known are run, and run repository',
    'marks.md:10: Write `sh` for `bash`',
    'marks.md:13: This output follows no block that is run',
    'marks.md:16: There is no block just before that this one could continue',
  ])
})

test('links to nowhere are found', async () => {
  const page = '[a](none.md)\n\n[b](#nothing) ![c](c.png)\n\n[d][e]\n\n[e]: README.md#what\n[f](../outside.md)\n'
  assert.deepEqual(await problemsOf({ 'README.md': page }), [
    'README.md:1: The link to none.md leads to no file',
    'README.md:3: The link to #nothing leads to no heading',
    'README.md:3: The link to c.png leads to no file',
    'README.md:7: The link to README.md#what leads to no heading',
    'README.md:8: The link to ../outside.md leaves the project',
  ])
})

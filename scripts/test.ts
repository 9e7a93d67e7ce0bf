/** `npm test`: all tests, as many files at a time as there are cores; what is given goes to `node --test`, files and flags of it. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { root } from './workspace.ts'

const minutesOfTest = 10
const given = process.argv.slice(2)
const { positionals } = parseArgs({ args: given, strict: false })
const everywhere = ['src', 'scripts', 'examples', 'test'].map((folder) => `${folder}/**/*.test.ts`)
const flags = [
  '--conditions=source',
  '--test',
  `--test-concurrency=${availableParallelism()}`,
  `--test-timeout=${minutesOfTest * 60_000}`,
  '--test-force-exit',
]
// Half of what a process takes to start is compiling, and a run starts a thousand. The folder is the one that the command line takes.
const environment = { NODE_COMPILE_CACHE: join(tmpdir(), 'node-compile-cache'), ...process.env }
const child = spawn(process.execPath, [...flags, ...given, ...(positionals.length === 0 ? everywhere : [])], {
  cwd: root,
  env: environment,
  stdio: 'inherit',
})
const [code] = (await once(child, 'exit')) as [number | null]
process.exitCode = code ?? 1

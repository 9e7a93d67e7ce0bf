/** `npm run build`: compiles src into a new dist. */
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { run } from './run.ts'
import { root } from './workspace.ts'

rmSync(join(root, 'dist'), { recursive: true, force: true })
const compiler = join(root, 'node_modules', 'typescript', 'bin', 'tsc')
const { code, stdout, stderr } = await run(process.execPath, [compiler, '--project', 'tsconfig.build.json'], { cwd: root })
process.stderr.write(stdout + stderr)
process.exitCode = code ?? 1

/** `npm run lockstep -- COMMAND`: runs the command line from the source, in the folder from which npm was called and not in that of the repository. */
import { join } from 'node:path'
import { root } from './workspace.ts'

process.argv[1] = join(root, 'src', 'cli', 'main.ts')
if (process.env.INIT_CWD) process.chdir(process.env.INIT_CWD)
// Processes that this one starts are where it is.
delete process.env.INIT_CWD
await import('../src/cli/main.ts')

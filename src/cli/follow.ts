import type { Command } from 'commander'
import type { Follower, Store } from '../store/index.ts'
import type { Output } from './output.ts'
import type { Project, ProjectOptions } from './project.ts'

/** Has the store of a project adopt what is applied while a command runs; null where the definitions of the files are asked for. */
export async function followApplied(
  command: Command,
  store: Store,
  { files, definitionsPath: path }: Project,
  output: Output,
): Promise<Follower | null> {
  const options = command.optsWithGlobals<ProjectOptions>()
  if (options.files || options.definitions !== undefined) return null
  const { Follower } = await import('../store/index.ts')
  return await Follower.start(store, {
    files,
    path,
    adopted: ({ environment, apply }) => output.note(`Works with apply ${apply} of ${environment} now.`),
    warn: ({ message }) => output.warn(`What is applied is not taken up yet: ${message}`),
  })
}

import type { Command } from 'commander'
import type { ActorOptions } from '../lib/actor.ts'
import { actingAs } from './acting.ts'
import { Output, type OutputOptions } from './output.ts'
import { Project, type ProjectOptions } from './project.ts'

/** What a command works with: the project, where to show its result, and who says to be acting. */
export interface Session {
  readonly output: Output
  readonly project: Project
  readonly actor: string
}

/**
 * Opens the session of a command from the options that all commands share. `files`: it works with the definitions of the files, also
 * where others are applied.
 */
export async function sessionOf(command: Command, { files = false }: { readonly files?: boolean } = {}): Promise<Session> {
  const options = command.optsWithGlobals<OutputOptions & ProjectOptions & ActorOptions>()
  const output = new Output(options)
  const project = await Project.load(files ? { ...options, files } : options)
  if (!output.quiet && (await project.differsFromFiles()))
    output.note(`The files differ from what is applied in ${project.environment}, which counts; lockstep plan shows how.`)
  for (const { id, why } of project.applied?.incomplete ?? []) output.warn(`${id} is left out: ${why}.`)
  return { output, project, actor: await actingAs(project, options) }
}

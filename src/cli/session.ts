import type { Command } from 'commander'
import { Output, type OutputOptions } from './output.ts'
import { Project, type ProjectOptions } from './project.ts'

/** What a command works with: the project, and where to show its result. */
export interface Session {
  readonly output: Output
  readonly project: Project
}

/** Opens the session of a command from the options that all commands share. */
export async function sessionOf(command: Command): Promise<Session> {
  const options = command.optsWithGlobals<OutputOptions & ProjectOptions>()
  return { output: new Output(options), project: await Project.load(options) }
}
